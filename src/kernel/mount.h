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
Result<void> mount_tmpfs(const std::string& source, const std::string& target);

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
  bool read_only = false;
};

// The caller's mount table (proc_pid_mountinfo(5)), in the kernel's order: what
// covers something comes later.
Result<std::vector<MountEntry>> mount_table();

// The mounts at or below `root` that hold files of their own: of a disk, a
// network or a FUSE file system. Sorted, so that a parent comes before what is
// mounted in it.
std::vector<std::string> file_systems_below(const std::vector<MountEntry>& table,
                                            std::string_view root);

// Whether the file is a namespace that is mounted there.
bool is_namespace_mount(const std::string& path);

// Removes a directory with all in it; symbolic links are removed, not followed.
// What does not exist is no error.
Result<void> remove_tree(const std::string& path);

}  // namespace nslab::kernel
