#include "host/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <memory>

#include "base/text.h"

namespace nslab::host {
namespace {

using Clock = std::chrono::steady_clock;

// A reply, or an empty verb for bytes that are no packet.
Packet decode(std::string_view bytes) {
  const init::Reader reader(bytes);
  Packet packet{.verb = std::string(reader.verb())};
  for (const init::Field field : reader) {
    packet.add(field.key, std::string(field.value));
  }
  return packet;
}

// More than any lab has: what an init says without end does not fill our memory.
constexpr std::size_t kMostCollected = std::size_t{64} << 20;

std::size_t size_of(const Packet& packet) {
  std::size_t size = sizeof packet;
  for (const auto& [key, value] : packet.fields) {
    size += sizeof(packet.fields.front()) + key.size() + value.size();
  }
  return size;
}

int milliseconds_to(Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, std::numeric_limits<int>::max()));
}

// Whether there is something to read before the deadline, and before the other descriptor
// can be read; an error where the wait fails.
Result<bool> wait_readable(int socket, int other, Clock::time_point deadline) {
  std::array<pollfd, 2> waiting{{{.fd = socket, .events = POLLIN, .revents = 0},
                                 {.fd = other, .events = POLLIN, .revents = 0}}};
  for (;;) {
    const int ready = ::poll(waiting.data(), waiting.size(), milliseconds_to(deadline));
    // The longest that poll(2) takes are 24 days.
    if (ready > 0 || (ready == 0 && Clock::now() >= deadline)) {
      return waiting[0].revents != 0;
    }
    if (ready < 0 && errno != EINTR) {
      return kernel_error("talking to a node's init", errno);
    }
  }
}

// False at the deadline.
bool wait_writable(int socket, Clock::time_point deadline) {
  pollfd waiting{.fd = socket, .events = POLLOUT, .revents = 0};
  const int ready = ::poll(&waiting, 1, milliseconds_to(deadline));
  return ready > 0 || (ready < 0 && Clock::now() < deadline);
}

// Where a socket is. The directory of a long path is open meanwhile, and stands for it.
struct Address {
  sockaddr_un name{};
  UniqueFd directory;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

Result<Address> address_of(const std::string& path) {
  Address address;
  address.name.sun_family = AF_UNIX;
  std::string text = path;
  if (text.size() >= sizeof address.name.sun_path) {
    const std::size_t slash = path.rfind('/');
    address.directory.reset(
        ::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!address.directory.valid()) {
      return kernel_error("opening " + quote(path), errno);
    }
    text = "/proc/self/fd/" + std::to_string(address.directory.get()) + path.substr(slash);
  }
  text.copy(address.name.sun_path, sizeof address.name.sun_path - 1);
  return address;
}

// A reply that reports a failure, as an error.
Result<Packet> checked(Packet reply) {
  if (reply.verb == "error") {
    return kernel_error(std::string(reply.get("what")), static_cast<int>(reply.number("errno")));
  }
  return reply;
}

}  // namespace

std::string_view Packet::get(std::string_view key) const {
  const auto found = std::ranges::find(
      fields, key, [](const auto& field) { return std::string_view(field.first); });
  return found != fields.end() ? std::string_view(found->second) : std::string_view();
}

bool Packet::has(std::string_view key) const {
  return std::ranges::any_of(fields, [&](const auto& field) { return field.first == key; });
}

long Packet::number(std::string_view key) const {
  const std::string_view text = get(key);
  long value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string> Packet::all(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : fields) {
    if (name == key) {
      values.push_back(value);
    }
  }
  return values;
}

Packet& Packet::add(std::string_view key, std::string value) {
  fields.push_back({std::string(key), std::move(value)});
  return *this;
}

Packet& Packet::add_all(std::string_view key, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    add(key, value);
  }
  return *this;
}

Result<void> send_packet(int socket, const Packet& packet, std::span<const int> fds) {
  init::Writer writer(packet.verb);
  for (const auto& [key, value] : packet.fields) {
    writer.add(key, value);
  }
  if (!writer.valid()) {
    return kernel_error("telling a node's init: too long, or with a NUL byte", EMSGSIZE);
  }
  const std::string_view bytes = writer.bytes();
  iovec data{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  std::vector<char> control(CMSG_SPACE(fds.size_bytes()));
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  const auto deadline = Clock::now() + Control::kToAnswer;
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR && errno != EAGAIN) {
      return kernel_error("talking to a node's init", errno);
    }
    if (errno == EAGAIN && !wait_writable(socket, deadline)) {
      return kernel_error("talking to a node's init", ETIMEDOUT);
    }
  }
  return {};
}

Result<Packet> receive_packet(int socket, Clock::time_point deadline) {
  thread_local const auto buffer = std::make_unique_for_overwrite<char[]>(init::kMaxPacket);
  for (;;) {
    const ssize_t length = ::recv(socket, buffer.get(), init::kMaxPacket, MSG_TRUNC | MSG_DONTWAIT);
    if (length > static_cast<ssize_t>(init::kMaxPacket)) {
      return kernel_error("hearing from a node's init", EBADMSG);
    }
    if (length > 0) {
      return decode({buffer.get(), static_cast<std::size_t>(length)});
    }
    if (length == 0) {
      return kernel_error("the node's init has ended", ECONNRESET);
    }
    if (errno != EAGAIN && errno != EINTR) {
      return kernel_error("talking to a node's init", errno);
    }
    NSLAB_ASSIGN(ready, wait_readable(socket, -1, deadline));
    if (!ready) {
      return kernel_error("waiting for a node's init", ETIMEDOUT);
    }
  }
}

bool is_gone(const Error& error) {
  return error.kind == ErrorKind::not_found || error.os_error == ECONNRESET ||
         error.os_error == EPIPE || error.os_error == ESRCH || error.os_error == ENOENT;
}

Result<UniqueFd> bind_control_socket(const std::string& path) {
  UniqueFd bound(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  NSLAB_ASSIGN(address, address_of(path));
  // The file gets the socket's mode: unix(7) does not say so, unix_bind_bsd() of the
  // kernel does it. A umask would be that of all threads.
  if (!bound.valid() || ::fchmod(bound.get(), 0600) != 0 ||
      ::bind(bound.get(), address.get(), sizeof address.name) != 0) {
    return kernel_error("binding " + quote(path), errno);
  }
  return bound;
}

// Does not block: of an init that hangs, those who wait to be accepted pile up.
Result<Control> Control::connect(const std::string& socket_path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto address = address_of(socket_path);
  const int error = !socket.valid() ? errno
                    : !address      ? address.error().os_error
                    : ::connect(socket.get(), address->get(), sizeof address->name) != 0 ? errno
                                                                                         : 0;
  if (error == EAGAIN) {
    return kernel_error("reaching the node's init", ETIMEDOUT);
  }
  if (error != 0) {
    Error failure = kernel_error("reaching the node's init", error);
    if (error == ENOENT || error == ECONNREFUSED) {
      failure.kind = ErrorKind::not_found;
    }
    return failure;
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return kernel_error("asking who the node's init is", errno);
  }
  return Control(std::move(socket), peer.pid);
}

Result<UniqueFd> Control::open_init() const {
  constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD, since Linux 6.5
  int fd = -1;
  socklen_t size = sizeof fd;
  if (::getsockopt(socket_.get(), SOL_SOCKET, kPeerPidfd, &fd, &size) == 0) {
    return UniqueFd(fd);
  }
  // The number is the init's as long as it listens, and so keeps the connection.
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, init_pid_, 0)));
  if (!pidfd.valid()) {
    return kernel_error("opening a node's init", errno);
  }
  pollfd connection{.fd = socket_.get(), .events = 0, .revents = 0};
  if (::poll(&connection, 1, 0) > 0 && (connection.revents & (POLLHUP | POLLERR)) != 0) {
    return kernel_error("opening a node's init", ESRCH);
  }
  return pidfd;
}

Result<void> Control::send(std::string_view verb, Packet fields, std::span<const int> fds) {
  fields.verb = verb;
  return send_packet(socket_.get(), fields, fds);
}

Result<Packet> Control::receive(Clock::time_point deadline) {
  NSLAB_ASSIGN(reply, receive_packet(socket_.get(), deadline));
  return checked(std::move(reply));
}

Result<Packet> Control::request(std::string_view verb,
                                Packet fields,
                                std::span<const int> fds,
                                std::chrono::milliseconds patience) {
  NSLAB_TRY(send(verb, std::move(fields), fds));
  return receive(Clock::now() + patience);
}

Result<void> Control::ask_status() {
  return send("status", {});
}

bool Control::wait(Clock::time_point deadline, int other) const {
  return wait_readable(socket_.get(), other, deadline).value_or(true);
}

Result<std::vector<Packet>> Control::hear_status(std::chrono::milliseconds patience) {
  std::vector<Packet> packets;
  const auto deadline = Clock::now() + patience;
  std::size_t left = kMostCollected;
  for (;;) {
    NSLAB_ASSIGN(packet, receive(deadline));
    const std::size_t size = size_of(packet);
    if (packet.verb.empty() || size > left) {
      return kernel_error("hearing from a node's init", EBADMSG);
    }
    left -= size;
    packets.push_back(std::move(packet));
    if (packets.back().verb == "node") {
      return packets;
    }
  }
}

}  // namespace nslab::host
