#include "init/members.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/processes.h"
#include "init/text.h"

namespace nslab::init {
namespace {

ino_t inode_of(const char* path) {
  struct stat info {};

  return ::stat(path, &info) == 0 ? info.st_ino : 0;
}

}  // namespace

ino_t tag_of(pid_t pid) {
  Text<48> path;
  path << "/proc/" << pid << "/ns/cgroup";
  return inode_of(path.c_str());
}

ino_t tag_of(const UniqueFd& space) {
  struct stat info {};

  return space.valid() && ::fstat(space.get(), &info) == 0 ? info.st_ino : 0;
}

UniqueFd open_own_space() {
  return UniqueFd(::open("/proc/self/ns/cgroup", O_RDONLY | O_CLOEXEC));
}

bool Members::has(pid_t pid) const {
  return (tag_ != 0 && tag_of(pid) == tag_) || (session_ > 0 && ::getsid(pid) == session_);
}

pid_t Members::any() const {
  if (session_ == 0 && tag_ == 0) {
    return 0;
  }
  pid_t found = 0;
  Processes processes;
  for (pid_t pid = processes.next(); pid >= 0; pid = processes.next()) {
    if (!has(pid)) {
      continue;
    }
    const ProcessInfo info = info_of(pid);
    if (!info.lives()) {
      continue;
    }
    found = pid;
    if (info.parent == ::getpid()) {
      break;
    }
  }
  return found;
}

void Members::signal(int number) const {
  if (session_ == 0 && tag_ == 0) {
    return;
  }
  Processes processes;
  for (pid_t pid = processes.next(); pid >= 0; pid = processes.next()) {
    // Held first: its number cannot become another's between the look and the signal.
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (process.valid() && has(pid)) {
      (void)::syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0);
    }
  }
}

}  // namespace nslab::init
