// Emptying and removing cgroups (cgroup.h).
//
// On v2 the kernel kills a whole cgroup at once, and its file cgroup.events
// tells when the last process is gone. On v1 alone there is neither: processes
// are killed by pidfd, again until none is left.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_files.h"

namespace nslab::kernel {

namespace {

using std::chrono::steady_clock;

// Whether something happened before the deadline.
bool wait_for(int fd, short events, steady_clock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    pollfd waiting{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::clamp<long>(left, 0, INT_MAX)));
    if (ready >= 0 || errno != EINTR) {
      return ready > 0;
    }
  }
}

Error still_there(const std::string& path, const std::vector<pid_t>& pids) {
  std::vector<std::string> names;
  names.reserve(pids.size());
  for (const pid_t pid : pids) {
    names.push_back(std::to_string(pid));
  }
  Error error =
      kernel_error("waiting for the processes of cgroup " + quote(path) + " to end", ETIMEDOUT);
  if (!names.empty()) {
    error.hint = "still there: process " + join(names, ", ");
  }
  return error;
}

// True once the cgroup and all below it are empty; false at the deadline.
Result<bool> wait_for_events(const std::string& directory, steady_clock::time_point deadline) {
  const UniqueFd events(::open((directory + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  if (!events.valid()) {
    return kernel_error("reading " + quote(directory + "/cgroup.events"), errno);
  }
  for (;;) {
    // Reading rearms the event, so that nothing between the two is missed.
    std::array<char, 256> text{};
    const ssize_t size = ::pread(events.get(), text.data(), text.size(), 0);
    if (size < 0) {
      return kernel_error("reading " + quote(directory + "/cgroup.events"), errno);
    }
    const std::string_view content(text.data(), static_cast<std::size_t>(size));
    if (content.find("populated 0") != std::string_view::npos) {
      return true;
    }
    if (!wait_for(events.get(), POLLPRI, deadline)) {
      return false;
    }
  }
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// True once no process is listed; false at the deadline.
bool wait_for_processes(const std::string& directory, steady_clock::time_point deadline) {
  for (;;) {
    const auto pids = cgroup_files::processes(directory);
    if (pids.empty()) {
      return true;
    }
    const UniqueFd pidfd = open_pidfd(pids.front());
    if (pidfd.valid() && !wait_for(pidfd.get(), POLLIN, deadline)) {
      return false;
    }
    if (steady_clock::now() > deadline) {
      return false;
    }
  }
}

// A number may be another process's by the time that it is signalled. A pidfd
// cannot change, and that the process is in the cgroup is asked after opening it.
void kill_listed(const std::string& directory) {
  for (const pid_t pid : cgroup_files::processes(directory)) {
    const UniqueFd pidfd = open_pidfd(pid);
    const auto now = cgroup_files::processes(directory);
    if (pidfd.valid() && std::find(now.begin(), now.end(), pid) != now.end()) {
      (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }
  }
}

std::string kill_file(const std::string& directory) {
  return directory + "/cgroup.kill";
}

// 0 or an errno. Most have nothing below them: it is looked for where the kernel says so.
int remove_tree(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) {
    return 0;
  }
  if (errno != EBUSY && errno != ENOTEMPTY) {
    return errno;
  }
  for (const std::string& name : cgroup_files::subdirectories(directory)) {
    if (const int os_error = remove_tree(directory + "/" + name); os_error != 0) {
      return os_error;
    }
  }
  return ::rmdir(directory.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

Result<void> CgroupTree::wait_until_empty(const std::string& path, Deadline deadline) const {
  for (const std::string& directory : directories(path)) {
    bool empty = false;
    if (cgroup_files::exists(directory + "/cgroup.events")) {
      NSLAB_ASSIGN(told, wait_for_events(directory, deadline));
      empty = told;
    } else {
      empty = wait_for_processes(directory, deadline);
    }
    if (!empty) {
      return still_there(path, cgroup_files::processes(directory));
    }
  }
  return {};
}

Result<void> CgroupTree::begin_kill(const std::string& path) const {
  const auto everywhere = directories(path);
  if (everywhere.empty()) {
    return {};
  }
  if (const std::string file = kill_file(everywhere.front()); cgroup_files::exists(file)) {
    return cgroup_files::write(file, "1");
  }
  kill_listed(everywhere.front());
  return {};
}

Result<void> CgroupTree::finish_kill(const std::string& path, Deadline deadline) const {
  const auto everywhere = directories(path);
  if (everywhere.empty()) {
    return {};
  }
  constexpr std::chrono::milliseconds kUsual{200};
  constexpr std::chrono::milliseconds kRound{50};
  const auto until = [&](std::chrono::milliseconds time) {
    return std::min(deadline, steady_clock::now() + time);
  };
  const bool told_all = cgroup_files::exists(kill_file(everywhere.front()));
  auto empty = wait_until_empty(path, until(told_all ? kUsual : kRound));
  // Who is in it in one hierarchy alone was not told; who is frozen by version 1 cannot hear; a
  // fork may escape a round, and is seen by the next.
  while (!empty && empty.error().os_error == ETIMEDOUT && steady_clock::now() < deadline) {
    for (const std::string& directory : everywhere) {
      kill_listed(directory);
      thaw(cgroup_files::processes(directory));
    }
    empty = wait_until_empty(path, until(kRound));
  }
  return empty;
}

Result<void> CgroupTree::kill(const std::string& path, Deadline deadline) const {
  NSLAB_TRY(begin_kill(path));
  return finish_kill(path, deadline);
}

Result<void> CgroupTree::remove(const std::string& path, Deadline deadline) const {
  auto everywhere = directories(path);
  // Membership last: while it stands, the rest can be found again.
  std::reverse(everywhere.begin(), everywhere.end());
  for (const std::string& directory : everywhere) {
    int os_error = remove_tree(directory);
    while (os_error == EBUSY) {
      NSLAB_TRY(wait_until_empty(path, deadline));
      os_error = remove_tree(directory);
      if (os_error == EBUSY && steady_clock::now() > deadline) {
        break;
      }
      // v1 lists no process while the last one is still on its way out, and has
      // no event for its end.
      ::sched_yield();
    }
    if (os_error != 0) {
      return kernel_error("removing cgroup " + quote(directory), os_error);
    }
  }
  return {};
}

void thaw(const std::vector<pid_t>& pids) {
  const auto hierarchies = cgroup_files::mounted();
  if (!hierarchies) {
    return;
  }
  for (const auto& hierarchy : *hierarchies) {
    if (hierarchy.v2 || !cgroup_files::contains(hierarchy.controllers, "freezer")) {
      continue;  // what version 2 has frozen can be killed
    }
    for (const pid_t pid : pids) {
      (void)cgroup_files::write(hierarchy.mount_point + "/cgroup.procs", std::to_string(pid));
    }
  }
}

}  // namespace nslab::kernel
