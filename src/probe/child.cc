#include "probe/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/fd.h"

namespace nslab::probe {
namespace {

using Clock = std::chrono::steady_clock;

// An attempt takes milliseconds; loading a module on a slow machine takes seconds.
constexpr std::chrono::seconds kPatience{30};

Result<void> write_file(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) < 0) {
    return kernel_error(std::string("writing ") + path, errno);
  }
  return {};
}

// Namespaces of its own, in which the attempt touches nothing of the host.
Result<void> prepare(Place place) {
  if (::geteuid() != 0) {
    NSLAB_TRY(enter_own_userns());
  }
  if (place == Place::network && ::unshare(CLONE_NEWNET) != 0) {
    return kernel_error("making a network namespace to try it in", errno);
  }
  if (place == Place::mounts &&
      (::unshare(CLONE_NEWNS) != 0 ||
       ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)) {
    return kernel_error("making a mount namespace to try it in", errno);
  }
  return {};
}

Finding attempt_here(Place place, const std::function<Finding()>& attempt) {
  if (place == Place::network || place == Place::mounts) {
    if (const auto prepared = prepare(place); !prepared) {
      const bool user = ::geteuid() != 0;
      const std::string first = place == Place::network ? "namespace:net" : "namespace:mnt";
      return {State::unknown,
              to_string(prepared.error()),
              user ? "run it as root" : "mend " + first + " first, which it takes to try this"};
    }
  }
  return attempt();
}

// The state, then the detail and the remedy, each ended by a NUL.
std::string packed(const Finding& finding) {
  std::string text(1, static_cast<char>(finding.state));
  return text + finding.detail + '\0' + finding.remedy + '\0';
}

Finding unpacked(const std::string& text) {
  const std::size_t middle = text.find('\0', 1);
  const std::size_t end = text.find('\0', middle == std::string::npos ? middle : middle + 1);
  if (end == std::string::npos) {
    return {State::unknown, "the attempt ended without an answer"};
  }
  return {static_cast<State>(text[0]),
          text.substr(1, middle - 1),
          text.substr(middle + 1, end - middle - 1)};
}

// Everything up to the end of the pipe; nothing when that does not come in time.
Result<std::string> read_to_end(int fd) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  std::string text;
  std::array<char, 1024> buffer{};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd event{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = left > 0 ? ::poll(&event, 1, static_cast<int>(left)) : 0;
    if (ready == 0) {
      return kernel_error("waiting for the attempt", ETIMEDOUT);
    }
    if (ready < 0) {
      continue;  // a signal; the deadline holds
    }
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size == 0) {
      return text;
    }
    if (size > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }
}

[[noreturn]] void live_as_child(Place place, const std::function<Finding()>& attempt, int out) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string text = packed(attempt_here(place, attempt));
  const bool written = ::write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::_exit(written ? 0 : 1);
}

}  // namespace

Finding attempt_in(Place place, const std::function<Finding()>& attempt) {
  if (place == Place::here) {
    return attempt();
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return {State::unknown, to_string(kernel_error("making a pipe", errno))};
  }
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    return {State::unknown, to_string(kernel_error("making a process to try it in", errno))};
  }
  if (child == 0) {
    live_as_child(place, attempt, out.get());
  }
  out.reset();
  const auto text = read_to_end(in.get());
  if (!text) {
    (void)::kill(child, SIGKILL);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return text ? unpacked(*text) : Finding{State::unknown, to_string(text.error())};
}

Finding finding_of(const Result<void>& tried) {
  if (tried) {
    return {};
  }
  if (tried.error().kind == ErrorKind::permission && ::geteuid() != 0) {
    return {State::unknown, to_string(tried.error()), "run it as root"};
  }
  return {State::missing, to_string(tried.error())};
}

Result<void> enter_own_userns() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) {
    return kernel_error("making a user namespace as an ordinary user", errno);
  }
  NSLAB_TRY(write_file("/proc/self/setgroups", "deny"));
  NSLAB_TRY(write_file("/proc/self/uid_map", user + " " + user + " 1"));
  return write_file("/proc/self/gid_map", group + " " + group + " 1");
}

}  // namespace nslab::probe
