// One descriptor from a child to its parent.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/fd.h"

namespace nslab::init {

// Kept as long as the process: a child has both ends until it executes a program.
class DescriptorChannel {
 public:
  DescriptorChannel() {
    std::array<int, 2> ends{-1, -1};
    (void)::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data());
    in_.reset(ends[0]);
    out_.reset(ends[1]);
  }

  // Of what cannot be sent, nothing comes.
  void send(int descriptor) const {
    Message message;
    cmsghdr* header = CMSG_FIRSTHDR(&message.head);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    (void)::sendmsg(out_.get(), &message.head, MSG_NOSIGNAL);
  }

  // Does not wait. Not valid where none was sent.
  [[nodiscard]] UniqueFd receive() const {
    Message message;
    if (::recvmsg(in_.get(), &message.head, MSG_CMSG_CLOEXEC) <= 0) {
      return {};
    }
    const cmsghdr* header = CMSG_FIRSTHDR(&message.head);
    int descriptor = -1;
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
      std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    }
    return UniqueFd(descriptor);
  }

 private:
  struct Message {
    char byte = 0;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec data{.iov_base = &byte, .iov_len = 1};
    msghdr head{};

    Message() {
      head.msg_iov = &data;
      head.msg_iovlen = 1;
      head.msg_control = control.data();
      head.msg_controllen = control.size();
    }

    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
  };

  UniqueFd in_;
  UniqueFd out_;
};

}  // namespace nslab::init
