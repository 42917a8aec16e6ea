#include "node.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace bench {
namespace {

// Minus the errno on failure. errno itself is the maker's.
long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  long result = 0;
  register long fourth asm("r10") = d;
  register long fifth asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
               : "rcx", "r11", "memory");
  return result;
}

long word(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}

constexpr long kInert = MS_NOSUID | MS_NODEV | MS_NOEXEC;

// Notes the first failure; everything after it is left out.
class Steps {
 public:
  explicit Steps(Progress& progress) : progress_(progress) {}

  void take(long result) {
    ++step_;
    if (result < 0 && good_) {
      good_ = false;
      int none = 0;
      if (progress_.error.compare_exchange_strong(none, static_cast<int>(-result))) {
        progress_.step = step_;
      }
    }
  }

  void mount(const char* source, const char* path, const char* type, long flags, const char* data) {
    if (good_) {
      take(call(SYS_mount, word(source), word(path), word(type), flags, word(data)));
    }
  }

  // A part of /proc again, to give it flags of its own. Not every kernel has each.
  void mount_again(const char* path, std::uint64_t set, std::uint64_t clear) {
    const long bound = call(SYS_mount, word(path), word(path), 0, MS_BIND, 0);
    if (bound == -ENOENT) {
      return;
    }
    take(bound);
    mount_attr attributes{.attr_set = set, .attr_clr = clear, .propagation = 0, .userns_fd = 0};
    take(call(SYS_mount_setattr, AT_FDCWD, word(path), 0, word(&attributes), sizeof attributes));
  }

  void write(const char* path, const char* text, std::size_t size) {
    const long file = call(SYS_openat, AT_FDCWD, word(path), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    take(file);
    take(call(SYS_write, file, word(text), static_cast<long>(size)));
    take(call(SYS_close, file));
  }

  [[nodiscard]] bool good() const { return good_; }

 private:
  Progress& progress_;
  int step_ = 0;
  bool good_ = true;
};

struct Device {
  const char* path;
  unsigned major;
  unsigned minor;
};

void make_dev(Steps& steps) {
  static constexpr std::array kDirectories{"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/net"};
  static constexpr std::array kDevices{Device{"/dev/null", 1, 3},
                                       Device{"/dev/zero", 1, 5},
                                       Device{"/dev/full", 1, 7},
                                       Device{"/dev/random", 1, 8},
                                       Device{"/dev/urandom", 1, 9},
                                       Device{"/dev/tty", 5, 0},
                                       Device{"/dev/net/tun", 10, 200}};
  static constexpr std::array kLinks{std::array{"/dev/ptmx", "pts/ptmx"},
                                     std::array{"/dev/fd", "/proc/self/fd"},
                                     std::array{"/dev/stdin", "/proc/self/fd/0"},
                                     std::array{"/dev/stdout", "/proc/self/fd/1"},
                                     std::array{"/dev/stderr", "/proc/self/fd/2"}};
  steps.mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755");
  for (const char* path : kDirectories) {
    steps.take(call(SYS_mkdir, word(path), 0755));
  }
  for (const Device& device : kDevices) {
    const auto number = static_cast<long>(makedev(device.major, device.minor));
    steps.take(call(SYS_mknod, word(device.path), S_IFCHR | 0666, number));
  }
  for (const auto& link : kLinks) {
    steps.take(call(SYS_symlink, word(link[1]), word(link[0])));
  }
}

// As a Debian machine's tmpfiles.d(5) has it, for its daemons.
void fill_run(Steps& steps) {
  static constexpr std::array kDirectories{"/run/lock",
                                           "/run/user",
                                           "/run/log",
                                           "/run/sshd",
                                           "/run/sudo",
                                           "/run/systemd",
                                           "/run/systemd/seats",
                                           "/run/systemd/sessions",
                                           "/run/systemd/users",
                                           "/run/systemd/machines"};
  for (const char* path : kDirectories) {
    steps.take(call(SYS_mkdir, word(path), 0755));
  }
  steps.write("/run/utmp", "", 0);
}

void make_root(Steps& steps, const Place& place) {
  static constexpr std::array kReadOnly{"/proc/sys",
                                        "/proc/sysrq-trigger",
                                        "/proc/irq",
                                        "/proc/bus",
                                        "/proc/fs",
                                        "/proc/mtrr",
                                        "/proc/scsi",
                                        "/proc/dynamic_debug"};
  if (!place.tasks.empty()) {
    steps.write(place.tasks.c_str(), "0", 1);
  }
  steps.mount("overlay", place.upper.c_str(), "overlay", MS_NODEV, place.overlay.c_str());
  steps.take(call(SYS_chdir, word(place.upper.c_str())));
  steps.take(call(SYS_pivot_root, word("."), word(".")));
  if (!steps.good()) {
    return;
  }
  steps.mount("proc", "/proc", "proc", kInert, nullptr);
  for (const char* path : kReadOnly) {
    steps.mount_again(path, MOUNT_ATTR_RDONLY, 0);
  }
  steps.mount_again("/proc/sys/net", 0, MOUNT_ATTR_RDONLY);
  steps.mount("sysfs", "/sys", "sysfs", kInert | MS_RDONLY, nullptr);
  make_dev(steps);
  steps.mount("tmpfs", "/dev/shm", "tmpfs", kInert, "mode=1777");
  steps.mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
  fill_run(steps);
  steps.mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  steps.take(call(SYS_umount2, word("."), 2 /* MNT_DETACH */));
  steps.take(call(SYS_chdir, word("/")));
  steps.take(call(SYS_unshare, CLONE_NEWCGROUP));
  steps.mount("devpts",
              "/dev/pts",
              "devpts",
              MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620,gid=5");
  steps.mount("mqueue", "/dev/mqueue", "mqueue", kInert, nullptr);
  steps.mount("cgroup2", "/sys/fs/cgroup", "cgroup2", kInert | MS_RDONLY, nullptr);
  steps.write("/etc/hostname", place.hostname.data(), place.hostname.size());
}

void reap_for_ever() {
  const std::uint64_t children = std::uint64_t{1} << (SIGCHLD - 1);
  call(SYS_rt_sigprocmask, SIG_BLOCK, word(&children), 0, sizeof children);
  for (;;) {
    call(SYS_rt_sigtimedwait, word(&children), 0, 0, sizeof children);
    while (call(SYS_wait4, -1, 0, WNOHANG) > 0) {
    }
  }
}

void run_node(Place* place) {
  Progress& progress = *place->progress;
  Steps steps(progress);
  if (place->kind == Kind::full) {
    make_root(steps, *place);
  } else {
    steps.mount("proc", "/proc", "proc", kInert, nullptr);
  }
  steps.take(call(
      SYS_sethostname, word(place->hostname.data()), static_cast<long>(place->hostname.size())));
  if (place->kind == Kind::full) {
    std::array<const char*, 2> arguments{"init", nullptr};
    const char* environment = nullptr;
    progress.ready.fetch_add(1);
    steps.take(call(SYS_execveat,
                    place->init,
                    word(""),
                    word(arguments.data()),
                    word(&environment),
                    AT_EMPTY_PATH));
    call(SYS_exit_group, 1);
  }
  progress.ready.fetch_add(1);
  call(SYS_futex, word(&progress.ready), FUTEX_WAKE, 1);
  reap_for_ever();
}

}  // namespace

pid_t make_node(Place& place, char* stack) {
  constexpr std::uint64_t kStack = 16384;
  clone_args arguments{};
  arguments.flags = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
                    CLONE_VM | CLONE_CHILD_CLEARTID;
  arguments.exit_signal = SIGCHLD;
  arguments.child_tid = reinterpret_cast<std::uint64_t>(&place.alive);
  arguments.stack = reinterpret_cast<std::uint64_t>(stack) - kStack;
  arguments.stack_size = kStack;
  if (place.cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(place.cgroup);
  }
  // The child returns from the system call on its own stack, where it can only call.
  long result = 0;
  register void (*function)(Place*) asm("r12") = run_node;
  register Place* argument asm("r13") = &place;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(&arguments), "S"(sizeof arguments), "r"(function), "r"(argument)
      : "rcx", "r11", "memory");
  return static_cast<pid_t>(result);
}

}  // namespace bench
