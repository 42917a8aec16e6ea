#include "init/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>

#include "base/fd.h"
#include "init/path.h"
#include "init/text.h"
#include "init/user.h"

namespace nslab::init {
namespace {

// The number of the topmost mount at the path; 0 where nothing is mounted. A
// number is not used again soon, unlike that of a file system.
std::uint64_t mount_at(const char* path) {
  struct statx info {};

  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (::statx(AT_FDCWD, path, kFlags, STATX_MNT_ID, &info) != 0 ||
      (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return 0;
  }
  return info.stx_mnt_id;
}

// What the init itself may not look into, as root of a user namespace, is taken for there.
bool is_present(const Packet& memory) {
  errno = 0;
  const std::uint64_t mount = mount_at(memory.text("target"));
  return mount == static_cast<std::uint64_t>(memory.fields().number("mount")) ||
         (mount == 0 && errno == EACCES);
}

bool is_directory(const UniqueFd& file) {
  struct stat info {};

  return ::fstat(file.get(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_link(const UniqueFd& file) {
  struct stat info {};

  return ::fstat(file.get(), &info) == 0 && S_ISLNK(info.st_mode);
}

bool make(const Place& place, bool directory) {
  if (directory) {
    return ::mkdirat(place.directory.get(), place.name, 0755) == 0 || errno == EEXIST;
  }
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd file(::openat(place.directory.get(), place.name, kFlags, 0644));
  return file.valid() || errno == EEXIST;
}

// Opens what to mount on. Where that is the node's own it is made if need be, and a
// symbolic link there gives way: where it leads is not where the mount was asked for.
Failure open_target(const char* path, bool directory, const HostParts& host, UniqueFd& target) {
  Place place;
  INIT_TRY(make_place(path, host, place));
  target = look(place);
  const bool link = target.valid() && is_link(target);
  if ((!target.valid() || link) && host.has(place.directory)) {
    return {.what = "nslab makes no place to mount on in what is mounted from the host:",
            .on = path};
  }
  if (link) {
    (void)::unlinkat(place.directory.get(), place.name, 0);
    target.reset();
  }
  if (!target.valid() && make(place, directory)) {
    target = look(place);
  }
  return target.valid() ? kSuccess : failed("making", path);
}

Failure attach(int tree, const char* path, bool directory, const HostParts& host) {
  UniqueFd target;
  INIT_TRY(open_target(path, directory, host, target));
  if (is_directory(target) != directory) {
    return {.what = directory ? "a directory cannot be mounted on a file, which is what is at"
                              : "a file cannot be mounted on a directory, which is what is at",
            .on = path};
  }
  constexpr unsigned kByDescriptors = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return ::move_mount(tree, "", target.get(), "", kByDescriptors) != 0 ? failed("mounting on", path)
                                                                       : kSuccess;
}

Failure mount_tree(int tree, const char* target, const HostParts& host) {
  struct stat info {};

  if (::fstat(tree, &info) != 0) {
    return failed("looking at what to mount on", target);
  }
  return attach(tree, target, S_ISDIR(info.st_mode), host);
}

Failure find_owner(const Packet& request, User& owner) {
  if (!request.get("owner").empty() && find_user(request.get("owner"), owner)) {
    return {.what = "the node has no user or group such as", .on = request.get("owner")};
  }
  return kSuccess;
}

Failure mount_tmpfs(const Packet& request,
                    const char* target,
                    const User& owner,
                    const HostParts& host) {
  const UniqueFd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  const auto set = [&](const char* key, const char* value) {
    return ::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value, 0) == 0;
  };
  const auto set_number = [&](const char* key, std::int64_t value) {
    Text<24> text;
    text << value;
    return set(key, text.c_str());
  };
  std::array<char, 8> mode{};
  (void)std::to_chars(
      mode.data(), mode.data() + mode.size() - 1, request.fields().number("mode", 0755), 8);
  const bool sized = request.fields().has("size");
  if (!set("source", "tmpfs") || !set("mode", mode.data()) || !set_number("uid", owner.uid) ||
      !set_number("gid", owner.gid) || (sized && !set("size", request.text("size"))) ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return failed("making a tmpfs for", target);
  }
  const unsigned read_only = request.fields().number("read_only") != 0 ? MOUNT_ATTR_RDONLY : 0;
  const UniqueFd tree(
      ::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | read_only));
  return tree.valid() ? attach(tree.get(), target, true, host)
                      : failed("making a tmpfs for", target);
}

}  // namespace

// Half of the memory, as the kernel has it for a tmpfs without one.
constexpr const char* kUsualSize = "50%";

bool set_size(const UniqueFd& root, const char* size) {
  const UniqueFd context(::fspick(root.get(), "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
  return context.valid() && ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "rw", nullptr, 0) == 0 &&
         ::fsconfig(context.get(), FSCONFIG_SET_STRING, "size", size, 0) == 0 &&
         ::fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) == 0;
}

// Of the tmpfs that is mounted at the target, as it is. What can only be read is changed by a
// mount of its own that can be written.
Failure settle_tmpfs(const Packet& request, const char* target, const User& owner) {
  const UniqueFd tree(
      ::open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW));
  mount_attr writable{
      .attr_set = 0, .attr_clr = MOUNT_ATTR_RDONLY, .propagation = 0, .userns_fd = 0};
  if (!tree.valid() ||
      ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &writable, sizeof writable) != 0) {
    return failed("changing the tmpfs at", target);
  }
  const UniqueFd root(::openat(tree.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto mode = static_cast<mode_t>(request.fields().number("mode", 0755));
  const char* size = request.fields().has("size") ? request.text("size") : kUsualSize;
  if (!root.valid() || !set_size(root, size) || ::fchown(root.get(), owner.uid, owner.gid) != 0 ||
      ::fchmod(root.get(), mode) != 0) {
    return failed("changing the tmpfs at", target);
  }
  return kSuccess;
}

Failure set_read_only(const char* target, bool read_only) {
  mount_attr attributes{.attr_set = read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0,
                        .attr_clr = read_only ? 0 : std::uint64_t{MOUNT_ATTR_RDONLY},
                        .propagation = 0,
                        .userns_fd = 0};
  return ::mount_setattr(AT_FDCWD, target, AT_SYMLINK_NOFOLLOW, &attributes, sizeof attributes) != 0
             ? failed("changing what is mounted at", target)
             : kSuccess;
}

// What is mounted already.
Failure settle_mount(const Packet& request, const char* target, const User& owner) {
  if (mount_at(target) == 0) {
    return {.what = "nothing is mounted at", .on = target};
  }
  if (request.fields().has("tmpfs")) {
    INIT_TRY(settle_tmpfs(request, target, owner));
  }
  return set_read_only(target, request.fields().number("read_only") != 0);
}

Failure mount_anew(const Packet& request,
                   const char* target,
                   const User& owner,
                   const HostParts& host) {
  const int tree = request.fd("tree");
  return tree >= 0 ? mount_tree(tree, target, host) : mount_tmpfs(request, target, owner, host);
}

Failure make_mount(const Packet& request, const HostParts& host, Writer& memory) {
  const char* target = request.text("target");
  const bool is_tmpfs = request.fields().has("tmpfs");
  User owner;
  if (is_tmpfs) {
    INIT_TRY(find_owner(request, owner));
  }
  INIT_TRY(request.fields().has("again") ? settle_mount(request, target, owner)
                                         : mount_anew(request, target, owner, host));
  const std::uint64_t mount = mount_at(target);
  memory.add("target", target)
      .add("spec", request.get("spec"))
      .add("mount", static_cast<std::int64_t>(mount));
  if (is_tmpfs) {
    memory.add("uid", owner.uid).add("gid", owner.gid);
  } else {
    remember_host_parts(memory, mount);
  }
  return kSuccess;
}

void describe_mount(const Packet& memory, Writer& writer) {
  struct statvfs info {};

  struct stat top {};

  const bool present = is_present(memory);
  const bool seen = present && ::statvfs(memory.text("target"), &info) == 0 &&
                    ::stat(memory.text("target"), &top) == 0;
  writer.add("target", memory.get("target"))
      .add("spec", memory.get("spec"))
      .add("present", present ? 1 : 0)
      .add("read_only", seen && (info.f_flag & ST_RDONLY) != 0 ? 1 : 0);
  if (!seen) {
    return;
  }
  writer.add("device", static_cast<std::int64_t>(top.st_dev))
      .add("inode", static_cast<std::int64_t>(top.st_ino));
  const Reader& fields = memory.fields();
  if (fields.has("uid")) {
    const bool owned = fields.number("uid") == top.st_uid && fields.number("gid") == top.st_gid;
    writer.add("bytes", static_cast<std::int64_t>(info.f_blocks * info.f_frsize))
        .add("mode", top.st_mode & 07777)
        .add("owned", owned ? 1 : 0);
  }
}

Failure remove_mount(const Packet& memory) {
  if (!is_present(memory)) {
    return kSuccess;
  }
  return ::umount2(memory.text("target"), MNT_DETACH | UMOUNT_NOFOLLOW) != 0
             ? failed("unmounting", memory.get("target"))
             : kSuccess;
}

}  // namespace nslab::init
