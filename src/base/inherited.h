// What fork(2) and execve(2) hand down besides descriptors, signals, the environment and the
// directory: here it is made what it is on a machine that nobody has changed, so that a
// node's programs find the same whoever runs nslab, from a shell, cron or a batch job.
//
// Cannot be undone, by anybody: no_new_privs, seccomp filters, locked securebits. Without
// CAP_SYS_RESOURCE a hard limit stays where it is lower.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace nslab {

struct ProcessLimit {
  int resource;
  rlim_t soft;
  rlim_t hard;
};

inline constexpr rlim_t kUsualFiles = 1024;

// The kernel's own, but for open files, which are those of a service of systemd.
inline constexpr std::array kProcessLimits{
    ProcessLimit{RLIMIT_NOFILE, kUsualFiles, 524288},
    ProcessLimit{RLIMIT_CORE, 0, RLIM_INFINITY},
    ProcessLimit{RLIMIT_STACK, rlim_t{8} << 20, RLIM_INFINITY},
    ProcessLimit{RLIMIT_MEMLOCK, rlim_t{8} << 20, rlim_t{8} << 20},
    ProcessLimit{RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY},
    ProcessLimit{RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY},
    ProcessLimit{RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY},
    ProcessLimit{RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY},
    ProcessLimit{RLIMIT_RSS, RLIM_INFINITY, RLIM_INFINITY},
    ProcessLimit{RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY},
    ProcessLimit{RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY},
    ProcessLimit{RLIMIT_MSGQUEUE, 819200, 819200},
    ProcessLimit{RLIMIT_NICE, 0, 0},
    ProcessLimit{RLIMIT_RTPRIO, 0, 0},
    ProcessLimit{RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY},
};

// As much of it as this process may have.
inline void set_limit(const ProcessLimit& limit) {
  const rlimit wanted{.rlim_cur = limit.soft, .rlim_max = limit.hard};
  rlimit now{};
  if (::setrlimit(limit.resource, &wanted) == 0 || ::getrlimit(limit.resource, &now) != 0) {
    return;
  }
  now.rlim_max = std::min(now.rlim_max, limit.hard);
  now.rlim_cur = std::min(now.rlim_max, limit.soft);
  (void)::setrlimit(limit.resource, &now);
}

namespace inherited {

inline void write_to(const char* path, std::string_view text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file >= 0) {
    (void)!::write(file, text.data(), text.size());
    (void)::close(file);
  }
}

// Another class would refuse the niceness, and a hint may be on to lose both with a fork.
inline void be_scheduled_as_usual() {
  const sched_param none{};
  (void)::sched_setscheduler(0, SCHED_OTHER, &none);
  (void)::setpriority(PRIO_PROCESS, 0, 0);
  (void)::syscall(SYS_ioprio_set, 1 /*IOPRIO_WHO_PROCESS*/, 0, 0 /*none: by the niceness*/);
  // All that there can be: what a cpuset leaves of it follows each change of the cpuset.
  std::array<unsigned char, 1024> all{};
  all.fill(0xff);
  (void)::syscall(SYS_sched_setaffinity, 0, all.size(), all.data());
  (void)::syscall(SYS_set_mempolicy, 0 /*MPOL_DEFAULT*/, nullptr, 0);
  constexpr unsigned long kTimerSlack = 50'000;  // ns
  (void)::prctl(PR_SET_TIMERSLACK, kTimerSlack);
}

inline void be_root_and_no_more() {
  (void)::setgroups(0, nullptr);
  (void)::setresgid(0, 0, 0);
  (void)::setresuid(0, 0, 0);
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  (void)::prctl(PR_SET_SECUREBITS, 0);
  // Of root, execve(2) makes them effective whatever the bounding set is by then:
  // "Capabilities and execution of programs by root" in capabilities(7).
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) == 0) {
    for (__user_cap_data_struct& set : sets) {
      set.inheritable = 0;
    }
    (void)::syscall(SYS_capset, &header, sets.data());
  }
}

}  // namespace inherited

// For one whose children inherit it, before it enters any namespace: what is lifted takes
// capabilities of the host.
inline void begin_as_ever() {
  (void)::umask(022);
  inherited::be_root_and_no_more();
  inherited::be_scheduled_as_usual();
  for (const ProcessLimit& limit : kProcessLimits) {
    set_limit(limit);
  }
  (void)::personality(PER_LINUX);
  (void)::prctl(PR_SET_PDEATHSIG, 0);
  (void)::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  (void)::prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
  (void)::prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0);
  inherited::write_to("/proc/self/coredump_filter", "0x33");
  inherited::write_to("/proc/self/oom_score_adj", "0");
}

}  // namespace nslab
