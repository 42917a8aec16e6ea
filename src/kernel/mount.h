// Mounts in the caller's mount namespace, and what the kernel says of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace nslab::kernel {

// Mounts a tmpfs that takes no part in propagation: what is mounted in it later
// stays in this mount namespace. `source` shows in mountinfo.
// It may hold `bytes`.
Result<void> mount_tmpfs(const std::string& source, const std::string& target, std::uint64_t bytes);

// How much a file of a tmpfs uses of it at the least, so that empty ones do not fill the
// memory instead: the kernel's own inode and name take about 1 KiB.
inline constexpr std::uint64_t kBytesOfFile = 8192;

// The options of a tmpfs that may hold `bytes`.
std::string tmpfs_options(std::uint64_t bytes);

// Changes what a tmpfs may hold, by any file of it: one that is mounted where the caller
// cannot see it, too. EINVAL where it holds more already.
Result<void> resize_tmpfs(int file, std::uint64_t bytes);

// What the tmpfs at the path may hold; 0 where that is not limited or cannot be told.
struct TmpfsUse {
  std::uint64_t bytes = 0;
  std::uint64_t used = 0;
};

TmpfsUse tmpfs_use(const std::string& path);

// Whether the owners of files below the path, in its file system, can be mapped to the ids of
// a user namespace: mount_setattr(2). True where that cannot be told.
bool takes_id_map(const std::string& path, int userns);

// Binds what an open descriptor refers to (a namespace, say) over a file.
Result<void> bind_descriptor(int fd, const std::string& target);

// Detaches a mount at once; the kernel frees it when its last user is gone. What
// is not mounted is no error. Never follows a symbolic link.
Result<void> unmount(const std::string& target);

// A detached copy of the mount tree at `source`, for move_mount(2) elsewhere.
Result<UniqueFd> clone_mount(const std::string& source, bool read_only);

struct MountEntry {
  std::string target;
  std::string type;     // "ext4"
  std::string source;   // "/dev/vda", or what mount(2) was given
  std::string options;  // of the file system: "rw,cpu,cpuacct"
  std::string root;     // what of the file system: "/", or "net:[4026531840]"
  bool read_only = false;
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // the mount that it stands on
};

// The caller's mount table (proc_pid_mountinfo(5)), in the kernel's order: what
// covers something comes later.
Result<std::vector<MountEntry>> mount_table();

// The mounts at or below `root` that hold files of their own: of a disk, a
// network or a FUSE file system. Sorted, so that a parent comes before what is
// mounted in it.
std::vector<std::string> file_systems_below(const std::vector<MountEntry>& table,
                                            std::string_view root);

// Lets the file system whose root is at the path forget what it remembers of names that
// nobody uses: an overlay does not see by itself what became of its lower layers.
Result<void> forget_cached(const std::string& path);
// How many mounts of this source are stacked where `target` leads now. What lies hidden below
// a mount over a directory above is in the table, too.
std::size_t stacked_at(const std::vector<MountEntry>& table,
                       const std::string& target,
                       std::string_view source);

// Whether the file is a namespace that is mounted there.
bool is_namespace_mount(const std::string& path);

// Removes a directory with all in it; symbolic links are removed, not followed.
// What does not exist is no error.
Result<void> remove_tree(const std::string& path);

}  // namespace nslab::kernel
