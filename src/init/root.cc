#include "init/root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdint>

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
constexpr unsigned long kTerminalFlags = MS_NOSUID | MS_NOEXEC;

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

// This mount alone: who is root here and means to can have another that is writable, as nslab
// itself does in a node.
Failure make_read_only(const char* path) {
  mount_attr flags{.attr_set = MOUNT_ATTR_RDONLY, .attr_clr = 0, .propagation = 0, .userns_fd = 0};
  return ::mount_setattr(AT_FDCWD, path, 0, &flags, sizeof flags) != 0 ? failed("mounting", path)
                                                                       : kSuccess;
}

constexpr const char* kCgroups = "/sys/fs/cgroup";

Failure mount_cgroup2(const char* path) {
  if (::mount("cgroup2", path, "cgroup2", kInert, "") != 0) {
    return errno != ENODEV && !is_missing() ? failed("mounting", path) : kSuccess;
  }
  return make_read_only(path);
}

// As init systems do: each hierarchy in a directory by the names of its controllers, and by
// each of these names.
Failure mount_cgroup1(std::string_view controllers) {
  Text<256> path;
  path << kCgroups << "/" << controllers;
  Text<256> options;
  options << controllers;
  if (::mkdir(path.c_str(), 0755) != 0 ||
      ::mount("cgroup", path.c_str(), "cgroup", kInert, options.c_str()) != 0) {
    return failed("mounting", path.c_str());
  }
  for (std::string_view rest = controllers; rest.find(',') != rest.npos || rest != controllers;) {
    const std::size_t size = rest.find(',') < rest.size() ? rest.find(',') : rest.size();
    Text<256> link;
    link << kCgroups << "/" << std::string_view(rest.data(), size);
    (void)::symlink(options.c_str(), link.c_str());
    if (size == rest.size()) {
      break;
    }
    rest.remove_prefix(size + 1);
  }
  return make_read_only(path.c_str());
}

Failure mount_cgroups(const Packet& request) {
  if (!request.fields().has("cgroup1")) {
    return mount_cgroup2(kCgroups);
  }
  INIT_TRY(mount_at(kCgroups, "tmpfs", kInert, "mode=755,size=64k"));
  for (const Field field : request.fields()) {
    if (field.key == "cgroup1") {
      INIT_TRY(mount_cgroup1(field.value));
    }
  }
  constexpr const char* kUnified = "/sys/fs/cgroup/unified";
  if (::mkdir(kUnified, 0755) != 0) {
    return failed("making", kUnified);
  }
  INIT_TRY(mount_cgroup2(kUnified));
  return make_read_only(kCgroups);
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

// A tmpfs with the node's root as its owner. `limits` are options of the kernel.
Failure mount_tmpfs(const char* path,
                    unsigned long flags,
                    const char* mode,
                    uid_t owner,
                    std::string_view limits = "") {
  Text<192> options;
  options << "mode=" << mode << ",uid=" << owner << ",gid=" << owner << (limits.empty() ? "" : ",")
          << limits;
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

// A file in the node's /etc, which is its own work since it was last up: what it made of the
// name gives way, and is followed nowhere.
bool put(int etc, const char* name, std::string_view content, mode_t mode, uid_t owner) {
  (void)::unlinkat(etc, name, 0);
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd file(::openat(etc, name, kNew, mode));
  return file.valid() && ::write(file.get(), content.data(), content.size()) >= 0 &&
         (owner == 0 || ::fchown(file.get(), owner, owner) == 0);
}

// The node's /etc/hostname and /etc/machine-id, in the upper directory before that is mounted:
// through the overlay the kernel would first have to copy /etc up.
Failure write_names(const Packet& request, uid_t root_user) {
  if (::chdir(request.text("upper")) != 0) {
    return failed("entering", request.get("upper"));
  }
  if (::mkdir("etc", 0755) == 0 ? !give_to(root_user, "etc") : errno != EEXIST) {
    return failed("making /etc");
  }
  const UniqueFd etc(::open("etc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!etc.valid()) {
    return kSuccess;  // the node has no /etc any more
  }
  // A directory there is the node's own doing, and stays.
  const auto write = [&](const char* name, std::string_view text, mode_t mode) {
    Text<HOST_NAME_MAX + 2> line;
    line << text << "\n";
    return text.empty() || put(etc.get(), name, line.view(), mode, root_user) || errno == EEXIST;
  };
  const bool named = is_fresh(request, CLONE_NEWUTS);
  return write("hostname", named ? request.get("hostname") : "", 0644) &&
                 write("machine-id", request.get("machine_id"), 0444)
             ? kSuccess
             : failed("writing the node's names into /etc");
}

// The next word of a line.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = line.find(' ') < line.size() ? line.find(' ') : line.size();
  const std::string_view word(line.data(), end);
  line.remove_prefix(end < line.size() ? end + 1 : end);
  return word;
}

std::uint32_t to_number(std::string_view text, int base) {
  std::uint32_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

// One of the fields run=, in the current directory.
bool make_run_entry(std::string_view line, uid_t root_user) {
  const std::string_view type = take_word(line);
  const auto mode = static_cast<mode_t>(to_number(take_word(line), 8));
  const uid_t uid = to_number(take_word(line), 10);
  const gid_t gid = to_number(take_word(line), 10);
  Text<NAME_MAX * 2> path;
  path << take_word(line);
  if (type == "L") {
    Text<PATH_MAX> target;
    target << line;
    return ::symlink(target.c_str(), path.c_str()) == 0 &&
           (root_user == 0 || ::lchown(path.c_str(), root_user, root_user) == 0);
  }
  constexpr mode_t kNotByMkdir = 06000;
  const bool made = type == "d" ? ::mkdir(path.c_str(), mode) == 0
                                : ::mknod(path.c_str(), S_IFREG | mode, 0) == 0;
  return made &&
         (root_user + uid + gid == 0 ||
          ::lchown(path.c_str(), root_user + uid, root_user + gid) == 0) &&
         ((mode & kNotByMkdir) == 0 || ::chmod(path.c_str(), mode) == 0);
}

// What a daemon expects below /run.
Failure fill_run(const Packet& request, uid_t root_user) {
  if (::chdir("/run") != 0) {
    return failed("entering /run");
  }
  const mode_t mask = ::umask(0);
  for (const Field field : request.fields()) {
    if (field.key == "run" && !make_run_entry(field.value, root_user)) {
      return failed("making what is below /run:", field.value);
    }
  }
  (void)::umask(mask);
  return ::chdir("/") != 0 ? failed("entering /") : kSuccess;
}

Failure mount_overlay_root(const Packet& request, uid_t root_user) {
  const UniqueFd stage(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  INIT_TRY(write_names(request, root_user));
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
  INIT_TRY(mount_tmpfs("/dev/shm", kInert, "1777", root_user, request.get("shm_limits")));
  INIT_TRY(mount_tmpfs("/run", MS_NOSUID | MS_NODEV, "755", root_user, request.get("run_limits")));
  INIT_TRY(fill_run(request, root_user));
  INIT_TRY(mount_tmpfs("/tmp", MS_NOSUID | MS_NODEV, "1777", root_user, request.get("tmp_limits")));
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
    Text<96> options;
    options << kTerminals;
    if (request.fields().has("ptys")) {
      options << ",max=" << request.get("ptys");
    }
    INIT_TRY(mount_view("/dev/pts", "devpts", kTerminalFlags, options.c_str()));
    INIT_TRY(mount_view("/dev/mqueue", "mqueue", kInert, ""));
  }
  return has_overlay(request) || request.fd("net") >= 0 ? mount_cgroups(request) : kSuccess;
}

Failure limit_terminals(std::uint64_t most) {
  constexpr const char* kPlace = "/dev/pts";

  struct statfs info {};

  // The options that are not said again go back to the kernel's own.
  Text<96> options;
  options << kTerminals << ",max=" << most;
  if (::statfs(kPlace, &info) != 0 || info.f_type != DEVPTS_SUPER_MAGIC ||
      ::mount(nullptr, kPlace, nullptr, MS_REMOUNT | kTerminalFlags, options.c_str()) != 0) {
    return failed("limiting the terminals at", kPlace);
  }
  return kSuccess;
}

}  // namespace nslab::init
