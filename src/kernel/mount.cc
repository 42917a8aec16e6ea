#include "kernel/mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "base/fd.h"
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

// File systems without files of their own. They hide what is below them.
bool holds_files(std::string_view type) {
  constexpr std::array<std::string_view, 18> kDiskless{"proc",
                                                       "sysfs",
                                                       "devtmpfs",
                                                       "devpts",
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

bool is_at_or_below(std::string_view path, std::string_view top) {
  return path == top || is_below(path, top);
}

// Of what a node has its own, or what container engines come and go with.
bool is_not_for_nodes(std::string_view inside) {
  constexpr std::array<std::string_view, 14> kPlaces{"/proc",
                                                     "/sys",
                                                     "/dev",
                                                     "/run",
                                                     "/tmp",
                                                     "/etc/hosts",
                                                     "/etc/hostname",
                                                     "/etc/resolv.conf",
                                                     "/etc/machine-id",
                                                     "/var/lib/docker",
                                                     "/var/lib/containers",
                                                     "/var/lib/containerd",
                                                     "/var/lib/kubelet",
                                                     "/var/lib/lxc"};
  return std::ranges::any_of(kPlaces,
                             [&](std::string_view place) { return is_at_or_below(inside, place); });
}

// Without waiting for a server that is gone.
bool is_there(const std::string& path) {
  struct statx info {};

  constexpr int kFlags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  return ::statx(AT_FDCWD, path.c_str(), kFlags, STATX_TYPE, &info) == 0;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string tmpfs_options(std::uint64_t bytes) {
  return "size=" + std::to_string(bytes) +
         ",nr_inodes=" + std::to_string(std::max(bytes / kBytesOfFile, std::uint64_t{1024}));
}

Result<void> mount_tmpfs(const std::string& source,
                         const std::string& target,
                         std::uint64_t bytes) {
  const std::string options = "mode=755," + tmpfs_options(bytes);
  if (::mount(source.c_str(), target.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) !=
      0) {
    return kernel_error("mounting a tmpfs on " + quote(target), errno);
  }
  if (::mount("", target.c_str(), nullptr, MS_PRIVATE, nullptr) != 0) {
    return kernel_error("making the mount " + quote(target) + " private", errno);
  }
  return {};
}

Result<void> resize_tmpfs(int file, std::uint64_t bytes) {
  const UniqueFd context(::fspick(file, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC));
  const std::string options = tmpfs_options(bytes);
  bool set = context.valid();
  for (const std::string_view option : split(options, ',')) {
    const std::string key(option.substr(0, option.find('=')));
    const std::string value(option.substr(key.size() + 1));
    set = set && ::fsconfig(context.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) == 0;
  }
  if (!set || ::fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0) {
    return kernel_error("changing the size of a tmpfs", errno);
  }
  return {};
}

TmpfsUse tmpfs_use(const std::string& path) {
  struct statfs info {};

  if (::statfs(path.c_str(), &info) != 0 || info.f_type != TMPFS_MAGIC) {
    return {};
  }
  const auto block = static_cast<std::uint64_t>(info.f_bsize);
  return {.bytes = info.f_blocks * block, .used = (info.f_blocks - info.f_bfree) * block};
}

bool takes_id_map(const std::string& path, int userns) {
  const UniqueFd tree(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  mount_attr map{.attr_set = MOUNT_ATTR_IDMAP,
                 .attr_clr = 0,
                 .propagation = 0,
                 .userns_fd = static_cast<std::uint64_t>(userns)};
  return !tree.valid() || ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &map, sizeof map) == 0 ||
         errno != EINVAL;
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

std::size_t stacked_at(const std::vector<MountEntry>& table,
                       const std::string& target,
                       std::string_view source) {
  struct statx info {};

  if (::statx(AT_FDCWD, target.c_str(), AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &info) != 0) {
    return 0;
  }
  std::size_t count = 0;
  auto entry = std::ranges::find(table, info.stx_mnt_id, &MountEntry::id);
  while (entry != table.end() && entry->target == target) {
    count += entry->source == source ? 1 : 0;
    entry = std::ranges::find(table, entry->parent, &MountEntry::id);
  }
  return count;
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
                               .root = std::string(fields[3]),
                               .read_only = fields[5].starts_with("ro"),
                               .id = number_in(fields[0]),
                               .parent = number_in(fields[1])});
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
    const std::string_view inside =
        root == "/"
            ? std::string_view(entry.target)
            : std::string_view(entry.target).substr(std::min(root.size(), entry.target.size()));
    // What another mount covers at the same place is not seen.
    if (holds_files(entry.type) && is_below(entry.target, root) && !is_not_for_nodes(inside) &&
        !entry.source.starts_with("nslab:") && is_there(entry.target)) {
      found.push_back(entry.target);
    }
  }
  const auto covered = [&](const std::string& target) {
    return std::ranges::any_of(table, [&](const MountEntry& above) {
      // What is mounted below an automounter's place is there for all to see.
      return !holds_files(above.type) && above.type != "autofs" && above.target != "/" &&
             is_at_or_below(target, above.target);
    });
  };
  std::erase_if(found, covered);
  std::ranges::sort(found);
  const auto rest = std::ranges::unique(found);
  found.erase(rest.begin(), rest.end());
  return found;
}

Result<void> forget_cached(const std::string& path) {
  const UniqueFd context(static_cast<int>(
      ::syscall(SYS_fspick, AT_FDCWD, path.c_str(), FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT)));
  if (!context.valid() ||
      ::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0) {
    return kernel_error("looking at " + quote(path) + " anew", errno);
  }
  return {};
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
