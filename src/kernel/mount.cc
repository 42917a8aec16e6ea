#include "kernel/mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "base/text.h"

namespace nslab::kernel {
namespace {

// mountinfo writes blanks and backslashes of paths as "\040".
std::string unescape(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    unsigned code = 0;
    if (field[i] == '\\' && i + 3 < field.size() &&
        std::from_chars(field.data() + i + 1, field.data() + i + 4, code, 8).ec == std::errc{}) {
      text += static_cast<char>(code);
      i += 3;
    } else {
      text += field[i];
    }
  }
  return text;
}

// File systems without files of their own, or whose files are the node's own
// business: a node has its own /proc, /sys, /dev, /run and /tmp.
bool holds_files(std::string_view type) {
  constexpr std::array<std::string_view, 19> kDiskless{"proc",
                                                       "sysfs",
                                                       "devtmpfs",
                                                       "devpts",
                                                       "tmpfs",
                                                       "cgroup",
                                                       "cgroup2",
                                                       "mqueue",
                                                       "securityfs",
                                                       "debugfs",
                                                       "tracefs",
                                                       "bpf",
                                                       "nsfs",
                                                       "autofs",
                                                       "pstore",
                                                       "efivarfs",
                                                       "configfs",
                                                       "hugetlbfs",
                                                       "binfmt_misc"};
  return std::ranges::find(kDiskless, type) == kDiskless.end();
}

bool is_below(std::string_view path, std::string_view root) {
  if (root == "/") {
    return path.size() > 1;
  }
  return path.starts_with(root) && path.size() > root.size() && path[root.size()] == '/';
}

bool is_directory(const std::string& path) {
  std::error_code failed;
  return std::filesystem::is_directory(path, failed);
}

}  // namespace

Result<void> mount_tmpfs(const std::string& source, const std::string& target) {
  if (::mount(source.c_str(), target.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0) {
    return kernel_error("mounting a tmpfs on " + quote(target), errno);
  }
  if (::mount("", target.c_str(), nullptr, MS_PRIVATE, nullptr) != 0) {
    return kernel_error("making the mount " + quote(target) + " private", errno);
  }
  return {};
}

Result<void> bind_descriptor(int fd, const std::string& target) {
  const std::string source = "/proc/self/fd/" + std::to_string(fd);
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return kernel_error("mounting on " + quote(target), errno);
  }
  return {};
}

Result<void> unmount(const std::string& target) {
  if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL &&
      errno != ENOENT) {
    return kernel_error("unmounting " + quote(target), errno);
  }
  return {};
}

Result<UniqueFd> clone_mount(const std::string& source, bool read_only) {
  UniqueFd tree(static_cast<int>(::syscall(SYS_open_tree,
                                           AT_FDCWD,
                                           source.c_str(),
                                           OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)));
  if (!tree.valid()) {
    return kernel_error("opening " + quote(source), errno);
  }
  mount_attr attributes{};
  attributes.attr_set = read_only ? MOUNT_ATTR_RDONLY : 0;
  attributes.propagation = MS_PRIVATE;
  if (::syscall(SYS_mount_setattr,
                tree.get(),
                "",
                AT_EMPTY_PATH | AT_RECURSIVE,
                &attributes,
                sizeof attributes) != 0) {
    return kernel_error("binding " + quote(source), errno);
  }
  return tree;
}

Result<std::vector<MountEntry>> mount_table() {
  std::ifstream file("/proc/self/mountinfo");
  std::vector<MountEntry> table;
  std::string line;
  while (std::getline(file, line)) {
    // 36 35 98:0 /root /target options optional... - type source super-options
    const std::vector<std::string_view> fields = split(line, ' ');
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 6 || fields.end() - dash < 3) {
      continue;
    }
    table.push_back(MountEntry{.target = unescape(fields[4]),
                               .type = std::string(dash[1]),
                               .source = unescape(dash[2]),
                               .options = std::string(fields.end() - dash > 3 ? dash[3] : ""),
                               .read_only = fields[5].starts_with("ro")});
  }
  if (file.bad() || table.empty()) {
    return kernel_error("reading '/proc/self/mountinfo'", errno);
  }
  return table;
}

std::vector<std::string> file_systems_below(const std::vector<MountEntry>& table,
                                            std::string_view root) {
  std::vector<std::string> found;
  for (const MountEntry& entry : table) {
    // A mount on a file is no directory to put a layer over; a mount that another
    // covers at the same place is not seen.
    if (holds_files(entry.type) && is_below(entry.target, root) && is_directory(entry.target)) {
      found.push_back(entry.target);
    }
  }
  const auto covered = [&](const std::string& target) {
    return std::ranges::any_of(table, [&](const MountEntry& above) {
      return !holds_files(above.type) && above.target != "/" &&
             (is_below(target, above.target) || target == above.target);
    });
  };
  std::erase_if(found, covered);
  std::ranges::sort(found);
  const auto rest = std::ranges::unique(found);
  found.erase(rest.begin(), rest.end());
  return found;
}

bool is_namespace_mount(const std::string& path) {
  struct statfs info {};

  return ::statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

Result<void> remove_tree(const std::string& path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (failed) {
    return kernel_error("removing " + quote(path), failed.value());
  }
  return {};
}

}  // namespace nslab::kernel
