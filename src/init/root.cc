#include "init/root.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "base/fd.h"
#include "init/devices.h"
#include "init/overlay.h"
#include "init/syscalls.h"
#include "init/text.h"
#include "init/userns.h"

namespace nslab::init {
namespace {

constexpr unsigned long kInert = MS_NOSUID | MS_NODEV | MS_NOEXEC;

// Group 5 is "tty" wherever grantpt(3) cares.
constexpr const char* kTerminals = "newinstance,ptmxmode=0666,mode=0620,gid=5";

// In /proc, and written to, these change the host.
constexpr std::array kReadOnly{
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/irq",
    "/proc/bus",
    "/proc/fs",
    "/proc/mtrr",
    "/proc/scsi",
    "/proc/dynamic_debug",
};

// In the stage.
constexpr const char* kHostRoot = "host";

bool is_fresh(const Packet& request, std::uint64_t type) {
  return (static_cast<std::uint64_t>(request.fields().number("clone")) & type) != 0;
}

bool has_overlay(const Packet& request) {
  return request.get("root") == "overlay";
}

// A kernel without the feature has no such path.
bool is_missing() {
  return errno == ENOENT;
}

// Mounts the path on itself, to give that part flags of its own.
Failure mount_again(const char* path, std::uint64_t set, std::uint64_t clear) {
  if (::mount(path, path, nullptr, MS_BIND, nullptr) != 0) {
    return is_missing() ? kSuccess : failed("mounting", path);
  }
  mount_attr flags{.attr_set = set, .attr_clr = clear, .propagation = 0, .userns_fd = 0};
  return ::mount_setattr(AT_FDCWD, path, 0, &flags, sizeof flags) != 0 ? failed("mounting", path)
                                                                       : kSuccess;
}

// A bare directory as the root may lack the place for it.
Failure mount_at(const char* path, const char* type, unsigned long flags, const char* options) {
  if (::mount(type, path, type, flags, options) == 0 ||
      (is_missing() && ::mkdir(path, 0755) == 0 &&
       ::mount(type, path, type, flags, options) == 0)) {
    return kSuccess;
  }
  return failed("mounting", path);
}

Failure mount_proc() {
  INIT_TRY(mount_at("/proc", "proc", kInert, ""));
  for (const char* path : kReadOnly) {
    INIT_TRY(mount_again(path, MOUNT_ATTR_RDONLY, 0));
  }
  return mount_again("/proc/sys/net", 0, MOUNT_ATTR_RDONLY);
}

Failure mount_sys() {
  return mount_at("/sys", "sysfs", kInert | MS_RDONLY, "");
}

// A file system, or its directory, that the kernel does not have is left out.
Failure mount_view(const char* path, const char* type, unsigned long flags, const char* options) {
  return ::mount(type, path, type, flags, options) != 0 && errno != ENODEV && !is_missing()
             ? failed("mounting", path)
             : kSuccess;
}

// The host's own /proc and /sys show the wrong namespaces.
Failure mount_host_root(const Packet& request) {
  if (::move_mount(AT_FDCWD, "/", AT_FDCWD, ".", 0) != 0 || ::chdir("/") != 0) {
    return failed("changing to the host's root");
  }
  if (is_fresh(request, CLONE_NEWPID) || request.fd("pid") >= 0) {
    INIT_TRY(mount_proc());
  }
  return request.fd("net") >= 0 ? mount_sys() : kSuccess;
}

// A tmpfs with the node's root as its owner.
Failure mount_tmpfs(const char* path, unsigned long flags, const char* mode, uid_t owner) {
  Text<96> options;
  options << "mode=" << mode << ",uid=" << owner << ",gid=" << owner;
  return mount_at(path, "tmpfs", flags, options.c_str());
}

// The current directory, a mount's root, becomes "/". As pivot_root(2), but that looks
// through all processes of the host for those that it has to move (chroot_fs_refs()).
Failure change_root(const UniqueFd& stage) {
  const bool moved = ::move_mount(AT_FDCWD, ".", stage.get(), "", MOVE_MOUNT_T_EMPTY_PATH) == 0;
  return !moved || ::chroot(".") != 0 ? failed("changing to the node's root") : kSuccess;
}

Failure forget_host_root(const UniqueFd& stage) {
  if (::fchdir(stage.get()) != 0 || ::umount2(kHostRoot, MNT_DETACH) != 0 || ::chdir("/") != 0) {
    return failed("leaving the host's root");
  }
  return kSuccess;
}

// The node's /etc/hostname, in the upper directory before that is mounted: through the
// overlay the kernel would first have to copy /etc up.
Failure write_hostname(const Packet& request, uid_t root_user) {
  Text<HOST_NAME_MAX + 2> line;
  line << request.get("hostname") << "\n";
  if (!is_fresh(request, CLONE_NEWUTS) || line.view().size() == 1) {
    return kSuccess;
  }
  if (::chdir(request.text("upper")) != 0 || ::mkdir("etc", 0755) != 0 ||
      !give_to(root_user, "etc")) {
    return failed("making /etc");
  }
  const UniqueFd file(::open("etc/hostname", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid() || ::write(file.get(), line.c_str(), line.view().size()) < 0 ||
      !give_to(root_user, "etc/hostname")) {
    return failed("writing /etc/hostname");
  }
  return kSuccess;
}

Failure mount_overlay_root(const Packet& request, uid_t root_user) {
  const UniqueFd stage(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  INIT_TRY(write_hostname(request, root_user));
  INIT_TRY(mount_overlays(request, root_user));
  const UniqueFd host_devices(::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (::chdir(request.text("upper")) != 0) {
    return failed("entering", request.get("upper"));
  }
  INIT_TRY(change_root(stage));
  INIT_TRY(mount_proc());
  INIT_TRY(mount_sys());
  INIT_TRY(mount_tmpfs("/dev", MS_NOSUID | MS_NOEXEC, "755", root_user));
  INIT_TRY(make_devices(host_devices.get(), root_user));
  INIT_TRY(mount_tmpfs("/dev/shm", kInert, "1777", root_user));
  INIT_TRY(mount_tmpfs("/run", MS_NOSUID | MS_NODEV, "755", root_user));
  INIT_TRY(mount_tmpfs("/tmp", MS_NOSUID | MS_NODEV, "1777", root_user));
  return forget_host_root(stage);
}

}  // namespace

Failure make_stage() {
  // Over what nobody needs meanwhile; it is there again when the stage is the root.
  constexpr const char* kPlace = "/proc";
  if (::mount("tmpfs", kPlace, "tmpfs", kInert, "mode=755") != 0 || ::chdir(kPlace) != 0 ||
      ::mkdir(kHostRoot, 0755) != 0 ||
      ::mount(nullptr, kPlace, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kInert, nullptr) != 0) {
    return failed("making the place for nodes' roots");
  }
  if (pivot_root(".", kHostRoot) != 0 || ::chdir("/") != 0 || ::chroot(kHostRoot) != 0) {
    return failed("changing to the place for nodes' roots");
  }
  return kSuccess;
}

Failure mount_root(const Packet& request, uid_t root_user) {
  if (!is_fresh(request, CLONE_NEWNS)) {
    return kSuccess;
  }
  return has_overlay(request) ? mount_overlay_root(request, root_user) : mount_host_root(request);
}

Failure mount_views(const Packet& request) {
  if (!is_fresh(request, CLONE_NEWNS)) {
    return kSuccess;
  }
  if (has_overlay(request)) {
    INIT_TRY(mount_view("/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, kTerminals));
    INIT_TRY(mount_view("/dev/mqueue", "mqueue", kInert, ""));
  }
  if (has_overlay(request) || request.fd("net") >= 0) {
    INIT_TRY(mount_view("/sys/fs/cgroup", "cgroup2", kInert | MS_RDONLY, ""));
  }
  return kSuccess;
}

}  // namespace nslab::init
