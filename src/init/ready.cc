#include "init/ready.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "init/process.h"
#include "init/text.h"

namespace nslab::init {
namespace {

// How long one address, or one command, has to answer.
constexpr Millis kPatience = 2000;

bool is_internet(const sockaddr* address) {
  return address != nullptr && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}

// The node's addresses with this port, loopback first: a service may listen on
// one only. False past the last.
bool address_of(unsigned index, std::uint16_t port, sockaddr_storage& address) {
  address = {};
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) {
    return false;
  }
  for (const ifaddrs* each = interfaces; each != nullptr; each = each->ifa_next) {
    if (!is_internet(each->ifa_addr) || index-- != 0) {
      continue;
    }
    if (each->ifa_addr->sa_family == AF_INET) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4 = *reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
      v4.sin_port = htons(port);
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
      v6 = *reinterpret_cast<const sockaddr_in6*>(each->ifa_addr);
      v6.sin6_port = htons(port);
    }
    break;
  }
  ::freeifaddrs(interfaces);
  return address.ss_family != AF_UNSPEC;
}

socklen_t size_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
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

void Probe::begin(Millis time) {
  cancel();
  step_ = Step::idle;
  next_ = time;
}

void Probe::cancel() {
  socket_.reset();
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
  } else if (step_ == Step::process && time >= next_) {
    (void)::kill(-process_, SIGKILL);  // its end is the answer
    next_ = kNever;
  } else if (time >= next_) {
    ask_next_address(time);
  }
  result = 0;
  return step_ == Step::done;
}

void Probe::ask(Millis time) {
  const std::string_view type = fields_.get("ready", "started");
  if (type == "tcp" || type == "http") {
    address_ = 0;
    ask_next_address(time);
  } else if (type == "file") {
    answer(::access(fields_.get("path").data(), F_OK) == 0, time);
  } else if (type == "exec") {
    ask_by_command(time);
  } else {
    answer(true, time);
  }
}

void Probe::answer(bool ready, Millis time) {
  socket_.reset();
  step_ = ready ? Step::done : Step::idle;
  next_ = ready ? kNever : time + std::max<Millis>(fields_.number("interval_ms", 100), 1);
}

void Probe::ask_by_command(Millis time) {
  const Streams quiet{.in = STDIN_FILENO, .out = STDOUT_FILENO, .err = STDERR_FILENO};
  if (start_process(fields_, "rargv", quiet, process_)) {
    answer(false, time);
    return;
  }
  step_ = Step::process;
  next_ = time + std::max(kPatience, fields_.number("timeout_ms"));
}

bool Probe::ended(pid_t pid, int status) {
  if (pid != process_) {
    return false;
  }
  process_ = 0;
  answer(WIFEXITED(status) && WEXITSTATUS(status) == 0, now());
  return true;
}

void Probe::ask_next_address(Millis time) {
  const auto port = static_cast<std::uint16_t>(fields_.number("port"));
  sockaddr_storage address{};
  while (address_of(address_, port, address)) {
    ++address_;
    socket_.reset(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), size_of(address)) == 0 ||
        errno == EINPROGRESS) {
      step_ = Step::connect;
      next_ = time + kPatience;
      return;
    }
  }
  answer(false, time);
}

void Probe::connected(Millis time) {
  if (error_of(socket_.get()) != 0) {
    ask_next_address(time);
    return;
  }
  if (fields_.get("ready") == "tcp") {
    answer(true, time);
    return;
  }
  Text<2048> request;
  request << "GET " << fields_.get("path", "/") << " HTTP/1.0\r\nHost: localhost\r\n"
          << "User-Agent: nslab\r\n\r\n";
  if (::send(socket_.get(), request.c_str(), request.view().size(), MSG_NOSIGNAL) < 0) {
    ask_next_address(time);
    return;
  }
  step_ = Step::reply;
  reply_size_ = 0;
}

void Probe::read_reply(Millis time) {
  const ssize_t length =
      ::recv(socket_.get(), reply_.data() + reply_size_, reply_.size() - reply_size_, 0);
  if (length < 0 && errno == EAGAIN) {
    return;
  }
  reply_size_ += length > 0 ? static_cast<std::size_t>(length) : 0;
  if (reply_size_ == reply_.size() || length <= 0) {
    // What does not speak HTTP, or refuses, does so on every address.
    answer(is_good_response({reply_.data(), reply_size_}), time);
  }
}

}  // namespace nslab::init
