#include "init/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/fd.h"
#include "init/files.h"
#include "init/text.h"

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

bool is_present(const Packet& memory) {
  return mount_at(memory.text("target")) ==
         static_cast<std::uint64_t>(memory.fields().number("mount"));
}

Failure make_target(const char* target, bool directory) {
  INIT_TRY(make_parents(target));
  if (directory) {
    return ::mkdir(target, 0755) != 0 && errno != EEXIST ? failed("making", target) : kSuccess;
  }
  const UniqueFd file(::open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  return !file.valid() && errno != EEXIST ? failed("making", target) : kSuccess;
}

Failure mount_tree(int tree, const char* target) {
  struct stat info {};

  if (::fstat(tree, &info) != 0) {
    return failed("looking at what to mount on", target);
  }
  INIT_TRY(make_target(target, S_ISDIR(info.st_mode)));
  return ::move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) != 0
             ? failed("mounting on", target)
             : kSuccess;
}

Failure mount_tmpfs(const Packet& request, const char* target) {
  INIT_TRY(make_target(target, true));
  Text<64> options;
  options << "mode=1777";
  if (request.fields().has("size")) {
    options << ",size=" << request.get("size");
  }
  const unsigned long read_only = request.fields().number("read_only") != 0 ? MS_RDONLY : 0;
  const unsigned long flags = MS_NOSUID | MS_NODEV | read_only;
  return ::mount("tmpfs", target, "tmpfs", flags, options.c_str()) != 0
             ? failed("mounting a tmpfs on", target)
             : kSuccess;
}

}  // namespace

Failure make_mount(const Packet& request, Writer& memory) {
  const char* target = request.text("target");
  const int tree = request.fd("tree");
  INIT_TRY(tree >= 0 ? mount_tree(tree, target) : mount_tmpfs(request, target));
  memory.add("target", target)
      .add("spec", request.get("spec"))
      .add("mount", static_cast<std::int64_t>(mount_at(target)));
  return kSuccess;
}

void describe_mount(const Packet& memory, Writer& writer) {
  struct statvfs info {};

  const bool present = is_present(memory) && ::statvfs(memory.text("target"), &info) == 0;
  writer.add("target", memory.get("target"))
      .add("spec", memory.get("spec"))
      .add("present", present ? 1 : 0)
      .add("read_only", present && (info.f_flag & ST_RDONLY) != 0 ? 1 : 0);
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
