#include "init/packet.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace nslab::init {
namespace {

// Room for one SCM_RIGHTS message.
union Control {
  cmsghdr header;  // for its alignment
  std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> bytes;
};

// The length of the packet that comes next: 0 at the end, -1 without one.
ssize_t next_length(int socket) {
  return ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
}

}  // namespace

Packet::Packet(const Writer& writer)
    : bytes_(new char[writer.bytes().size()]), size_(writer.bytes().size()) {
  writer.bytes().copy(bytes_.get(), size_);
  reader_ = Reader(bytes());
}

int Packet::receive(int socket) {
  const ssize_t length = next_length(socket);
  if (length <= 0) {
    return length == 0 ? ENOTCONN : errno;
  }
  if (static_cast<std::size_t>(length) > kMaxPacket) {
    return EMSGSIZE;
  }
  size_ = static_cast<std::size_t>(length);
  bytes_.reset(new char[size_]);
  iovec data{.iov_base = bytes_.get(), .iov_len = size_};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0) {
    return errno;
  }
  take_descriptors(message);
  reader_ = Reader(bytes());
  return 0;
}

void Packet::take_descriptors(const msghdr& message) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
    return;
  }
  const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count && i < kMaxFds; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
    fds_[i].reset(fd);
  }
}

std::size_t Packet::index_of(std::string_view name) const {
  std::size_t index = 0;
  for (const Field field : reader_) {
    if (field.key == "fd" && index < kMaxFds) {
      if (field.value == name) {
        return index;
      }
      ++index;
    }
  }
  return kMaxFds;
}

}  // namespace nslab::init
