#include "init/ready.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "init/process.h"
#include "init/text.h"

namespace nslab::init {
namespace {

// How long one address, or one command, has to answer.
constexpr Millis kPatience = 2000;

socklen_t size_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

// A link-local address is one of an interface.
std::uint32_t scope_of(const in6_addr& address) {
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) {
    return 0;
  }
  std::uint32_t scope = 0;
  for (const ifaddrs* each = interfaces; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET6) {
      const auto& its = reinterpret_cast<const sockaddr_in6&>(*each->ifa_addr);
      scope = IN6_ARE_ADDR_EQUAL(&its.sin6_addr, &address) ? its.sin6_scope_id : scope;
    }
  }
  ::freeifaddrs(interfaces);
  return scope;
}

// Where one reaches who is bound there: on every address is on that of the loopback.
sockaddr_storage reachable(sockaddr_storage address) {
  if (address.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_addr.s_addr = v4.sin_addr.s_addr == 0 ? htonl(INADDR_LOOPBACK) : v4.sin_addr.s_addr;
    return address;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) {
    v6.sin6_addr = in6addr_loopback;
  } else if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) {
    v6.sin6_scope_id = scope_of(v6.sin6_addr);
  }
  return address;
}

int error_of(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

// "HTTP/1.1 204": any success or redirection.
bool is_good_response(std::string_view start) {
  return start.size() == 12 && start.starts_with("HTTP/1.") && (start[9] == '2' || start[9] == '3');
}

}  // namespace

short Probe::events() const {
  return step_ == Step::connect ? POLLOUT : POLLIN;
}

std::string_view Probe::pending() const {
  switch (step_) {
    case Step::process:
      return "its command has not ended";
    case Step::connect:
      return "its connection is not accepted";
    case Step::reply:
      return "it was asked and has not answered";
    case Step::idle:
    case Step::done:
      break;
  }
  return {};
}

void Probe::begin(Millis time, const Members& members) {
  cancel();
  members_ = members;
  step_ = Step::idle;
  next_ = time;
}

void Probe::cancel() {
  fd_.reset();
  if (process_ > 0) {
    (void)::kill(-process_, SIGKILL);
    process_ = 0;
  }
  step_ = Step::done;
  next_ = kNever;
}

bool Probe::advance(Millis time) {
  if (step_ == Step::idle && time >= next_) {
    ask(time);
  } else if (step_ == Step::connect && result != 0) {
    connected(time);
  } else if (step_ == Step::reply && result != 0) {
    read_reply(time);
  } else if (step_ == Step::process) {
    if (result != 0) {
      take_output();
    }
    if (time >= next_) {
      (void)::kill(-process_, SIGKILL);  // its end is the answer
      next_ = kNever;
    }
  } else if (time >= next_) {
    refuse(time, "HTTP is not answered within 2 s");
  }
  result = 0;
  return step_ == Step::done;
}

void Probe::ask(Millis time) {
  const std::string_view type = fields_.get("ready", "started");
  sockaddr_storage address{};
  if (type == "tcp" || type == "http") {
    if (!find_listener(address)) {
      answer(false, time);
    } else if (type == "tcp") {
      answer(true, time);
    } else {
      connect(address, time);
    }
  } else if (type == "file") {
    if (::access(fields_.get("path").data(), F_OK) == 0) {
      answer(true, time);
    } else {
      reason_ = {};
      reason_ << "there is no " << fields_.get("path");
      answer(false, time);
    }
  } else if (type == "exec") {
    ask_by_command(time);
  } else {
    answer(true, time);
  }
}

void Probe::answer(bool ready, Millis time) {
  fd_.reset();
  step_ = ready ? Step::done : Step::idle;
  next_ = ready ? kNever : time + std::max<Millis>(fields_.number("interval_ms", 100), 1);
}

void Probe::refuse(Millis time, std::string_view why, int error) {
  rival_ = 0;
  reason_ = {};
  reason_ << why;
  if (error != 0) {
    reason_ << ": " << ::strerrordesc_np(error);
  }
  answer(false, time);
}

// A socket of the service's own that takes connections on the port. A connection would not
// do: another's would answer it, or, among the ports that clients have, its own other end.
bool Probe::find_listener(sockaddr_storage& address) {
  const auto port = static_cast<std::uint16_t>(fields_.number("port"));
  rival_ = 0;
  reason_ = {};
  const Listeners listeners = listeners_on(port);
  if (listeners.count == 0) {
    reason_ << "nothing listens on port " << port;
    return false;
  }
  const Holder holder = holder_of(listeners, members_);
  address = reachable(listeners.some[holder.which].address);
  if (holder.member || (holder.pid == 0 && members_.any() == 0)) {
    return true;  // or nobody's processes can be seen
  }
  rival_ = holder.pid;
  reason_ << "who listens on port " << port << " is "
          << (holder.pid > 0 ? "another process of the node, " : "outside of the node");
  if (holder.pid > 0) {
    reason_ << holder.pid;
  }
  return false;
}

void Probe::ask_by_command(Millis time) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    refuse(time, "its command cannot be started", errno);
    return;
  }
  fd_.reset(ends[0]);
  const UniqueFd input(ends[1]);
  (void)::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  const Streams streams{.in = STDIN_FILENO, .out = input.get(), .err = input.get()};
  Process process;
  if (const Failure failure = start_process(fields_, "rargv", streams, process)) {
    Text<200> why;
    why << "its command " << failure.what << " " << failure.on;
    refuse(time, why.view(), failure.error);
    return;
  }
  process_ = process.pid;
  output_ = {};
  step_ = Step::process;
  next_ = time + std::max(kPatience, fields_.number("timeout_ms"));
}

// All of it, so that the command never waits; the beginning is kept.
void Probe::take_output() {
  std::array<char, 512> block{};
  ssize_t length = 0;
  while ((length = ::read(fd_.get(), block.data(), block.size())) > 0) {
    output_ << std::string_view(block.data(), static_cast<std::size_t>(length));
  }
  if (length == 0) {
    fd_.reset();  // nobody has the other end any more
  }
}

bool Probe::ended(pid_t pid, int status) {
  if (pid != process_) {
    return false;
  }
  process_ = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    answer(true, now());
    return true;
  }
  if (fd_.valid()) {
    take_output();
  }
  Text<64> how;
  if (WIFEXITED(status)) {
    how << "its command exited with " << WEXITSTATUS(status);
  } else {
    how << "its command was killed by signal " << WTERMSIG(status);
  }
  refuse(now(), how.view());
  // The first line of what it said.
  std::string_view said = output_.view();
  const std::size_t end = std::min(said.find_first_of("\r\n"), said.size());
  if (end > 0) {
    reason_ << ": " << std::string_view(said.data(), end);
  }
  return true;
}

void Probe::connect(const sockaddr_storage& address, Millis time) {
  fd_.reset(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size_of(address)) == 0 ||
      errno == EINPROGRESS) {
    step_ = Step::connect;
    next_ = time + kPatience;
    return;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
    // Where the node has no IPv6, its loopback has none either; the listener may take both.
    sockaddr_storage other{};
    auto& v4 = reinterpret_cast<sockaddr_in&>(other);
    v4.sin_family = AF_INET;
    v4.sin_port = v6.sin6_port;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(other, time);
    return;
  }
  refuse(time, "connecting to it", errno);
}

void Probe::connected(Millis time) {
  if (const int error = error_of(fd_.get()); error != 0) {
    refuse(time, "connecting to it", error);
    return;
  }
  Text<2048> request;
  request << "GET " << fields_.get("path", "/") << " HTTP/1.0\r\nHost: localhost\r\n"
          << "User-Agent: nslab\r\n\r\n";
  if (::send(fd_.get(), request.c_str(), request.view().size(), MSG_NOSIGNAL) < 0) {
    refuse(time, "asking it", errno);
    return;
  }
  step_ = Step::reply;
  reply_size_ = 0;
}

void Probe::read_reply(Millis time) {
  const ssize_t length =
      ::recv(fd_.get(), reply_.data() + reply_size_, reply_.size() - reply_size_, 0);
  if (length < 0 && errno == EAGAIN) {
    return;
  }
  reply_size_ += length > 0 ? static_cast<std::size_t>(length) : 0;
  if (reply_size_ != reply_.size() && length > 0) {
    return;
  }
  const std::string_view reply(reply_.data(), reply_size_);
  if (is_good_response(reply)) {
    answer(true, time);
  } else if (reply_size_ == reply_.size() && reply.starts_with("HTTP/1.")) {
    Text<64> why;
    why << "HTTP answered " << std::string_view(reply.data() + 9, 3);
    refuse(time, why.view());
  } else {
    refuse(time, reply_size_ == 0 ? "it hung up without an answer" : "it does not speak HTTP");
  }
}

}  // namespace nslab::init
