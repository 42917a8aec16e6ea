#include "init/node.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdlib>

#include "init/capabilities.h"
#include "init/files.h"
#include "init/oom.h"
#include "init/root.h"
#include "init/supervise.h"
#include "init/text.h"
#include "init/title.h"
#include "init/userns.h"

namespace nslab::init {
namespace {

// Namespaces that a user namespace of the node owns.
constexpr std::uint64_t kOwnedByUser = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC;

std::uint64_t new_namespaces(const Packet& request) {
  return static_cast<std::uint64_t>(request.fields().number("clone"));
}

Circumstances circumstances_of(const Packet& request) {
  const std::uint64_t fresh = new_namespaces(request);
  return {.own_pids = (fresh & CLONE_NEWPID) != 0,
          .own_users = request.fd("user") >= 0,
          .own_hostname = (fresh & CLONE_NEWUTS) != 0,
          .own_root = request.get("root") == "overlay"};
}

Failure enter_cgroups(const Packet& request) {
  for (const Field field : request.fields()) {
    if (field.key != "attach") {
      continue;
    }
    const UniqueFd procs(::open(field.value.data(), O_WRONLY | O_CLOEXEC));
    if (!procs.valid() || ::write(procs.get(), "0", 1) < 0) {
      return failed("entering the cgroup", field.value);
    }
  }
  return kSuccess;
}

Failure join(const Packet& request, std::string_view name, int type) {
  const int fd = request.fd(name);
  return fd >= 0 && ::setns(fd, type) != 0 ? failed("joining the namespace", name) : kSuccess;
}

Failure join_namespaces(const Packet& request, int host_mounts) {
  INIT_TRY(join(request, "net", CLONE_NEWNET));
  INIT_TRY(join(request, "ipc", CLONE_NEWIPC));
  INIT_TRY(join(request, "uts", CLONE_NEWUTS));
  INIT_TRY(join(request, "cgroup", CLONE_NEWCGROUP));
  INIT_TRY(join(request, "mnt", CLONE_NEWNS));
  const bool shares_host = request.fd("mnt") < 0 && (new_namespaces(request) & CLONE_NEWNS) == 0;
  if (shares_host && ::setns(host_mounts, CLONE_NEWNS) != 0) {
    return failed("joining the host's mount namespace");
  }
  return kSuccess;
}

Failure become_root_of(int userns, std::uint64_t namespaces) {
  if (::setns(userns, CLONE_NEWUSER) != 0) {
    return failed("joining the user namespace");
  }
  if (::setgroups(0, nullptr) != 0 || ::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
    return failed("becoming root of the user namespace");
  }
  if (::unshare(static_cast<int>(namespaces & kOwnedByUser)) != 0) {
    return failed("making namespaces in the user namespace");
  }
  return kSuccess;
}

// The file has it already.
Failure name_host(const Packet& request, const Circumstances& circumstances) {
  const std::string_view name = request.get("hostname");
  return circumstances.own_hostname && !name.empty() ? set_hostname(name) : kSuccess;
}

Failure make_cgroup_namespace(std::uint64_t namespaces) {
  return (namespaces & CLONE_NEWCGROUP) != 0 && ::unshare(CLONE_NEWCGROUP) != 0
             ? failed("making a cgroup namespace")
             : kSuccess;
}

// Where another's init is PID 1, orphans come to this one all the same.
Failure adopt_orphans(const Circumstances& circumstances) {
  return !circumstances.own_pids && ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0
             ? failed("becoming the parent of orphans")
             : kSuccess;
}

// The caller's session keyring, which processes hand down, may hold its passwords.
Failure leave_keys() {
  const bool left = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0;
  // Without the system call, or kept from it, nobody reads keys.
  return left || errno == ENOSYS || errno == EPERM ? kSuccess
                                                   : failed("leaving the session keyring");
}

Failure make_namespaces_and_root(const Packet& request, int host_mounts) {
  INIT_TRY(leave_keys());
  const Circumstances circumstances = circumstances_of(request);
  const std::uint64_t fresh = new_namespaces(request);
  const int userns = request.fd("user");
  uid_t root_user = 0;
  if (userns >= 0) {
    INIT_TRY(find_root_of(userns, root_user));
  }
  INIT_TRY(enter_cgroups(request));
  INIT_TRY(join_namespaces(request, host_mounts));
  INIT_TRY(mount_root(request, root_user));
  if (userns >= 0) {
    INIT_TRY(become_root_of(userns, fresh));
  }
  INIT_TRY(make_cgroup_namespace(fresh));
  INIT_TRY(mount_views(request));
  INIT_TRY(name_host(request, circumstances));
  INIT_TRY(adopt_orphans(circumstances));
  return drop_capabilities();
}

constexpr int kListener = 3;
constexpr int kReport = 4;

// Descriptors 0 to 2 are /dev/null; then come these two, and nothing else.
Failure keep_descriptors(int listener, int report) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) {
    return failed("opening /dev/null");
  }
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::dup2(null, fd) < 0) {
      return failed("arranging descriptors");  // it would keep its maker's
    }
  }
  // 3 was the spawner's socket; so neither of the two can be in the other's way.
  if (::dup3(listener, kListener, O_CLOEXEC) < 0 ||
      (report != kReport && ::dup3(report, kReport, O_CLOEXEC) < 0)) {
    return failed("arranging descriptors");
  }
  (void)::close_range(kReport + 1, UINT_MAX, 0);
  return kSuccess;
}

void begin_afresh() {
  (void)::setsid();
  (void)::umask(022);
  (void)::signal(SIGCHLD, SIG_DFL);
  // Root of the node's user namespace is not to read or trace its init.
  (void)::prctl(PR_SET_DUMPABLE, 0);
}

Failure set_up(const Packet& request, int host_mounts, int& report) {
  INIT_TRY(make_namespaces_and_root(request, host_mounts));
  INIT_TRY(keep_descriptors(request.fd("listen"), report));
  report = kReport;
  if (::fcntl(kListener, F_SETFL, O_NONBLOCK) != 0 || ::listen(kListener, SOMAXCONN) != 0) {
    return failed("listening on the control socket");
  }
  return kSuccess;
}

}  // namespace

Report Report::of(const Failure& failure) {
  Report report{.error = failure.error};
  Text<sizeof report.what> what;
  what << failure.what << (failure.on.empty() ? "" : " ") << failure.on;
  what.view().copy(report.what.data(), report.what.size() - 1);
  return report;
}

std::uint64_t clone_flags(const Packet& request) {
  const std::uint64_t before_user = CLONE_NEWPID | CLONE_NEWNS;
  const std::uint64_t now = request.fd("user") >= 0 ? before_user : before_user | kOwnedByUser;
  return new_namespaces(request) & now;
}

void become_node(const Packet& request, int host_mounts, int report) {
  begin_afresh();
  // Root of a user namespace may not change the place of a process that cannot be dumped, so
  // that what it starts has the init's.
  if (request.fd("user") >= 0) {
    come_before_the_host();
  }
  set_title(request.get("name"));
  const Failure failure = set_up(request, host_mounts, report);
  const Report text = Report::of(failure);
  const bool told = ::write(report, &text, sizeof text) == sizeof text;
  (void)::close(report);
  if (failure || !told) {
    ::_exit(EXIT_FAILURE);
  }
  supervise(kListener, circumstances_of(request), request);
}

}  // namespace nslab::init
