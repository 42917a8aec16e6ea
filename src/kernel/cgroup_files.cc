#include "kernel/cgroup_files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <system_error>

#include "base/directory.h"
#include "base/fd.h"
#include "base/text.h"
#include "kernel/mount.h"

namespace nslab::kernel::cgroup_files {

namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool whole = error == std::errc{} && (stop == end || *stop == '\n');
  return whole ? std::optional(value) : std::nullopt;
}

std::vector<std::string> words_of(const std::string& text, char separator) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, separator)) {
    if (!word.empty()) {
      words.emplace_back(word);
    }
  }
  return words;
}

constexpr const char* kUsualPlace = "/sys/fs/cgroup";

long file_system_of(const std::string& path) {
  struct statfs info {};

  return ::statfs(path.c_str(), &info) == 0 ? static_cast<long>(info.f_type) : 0;
}

// proc_pid_cgroup(5): a line NUMBER:CONTROLLERS:PATH each; version 2 has none.
std::vector<std::string> active_hierarchies() {
  std::vector<std::string> found;
  for (const std::string& line : words("/proc/self/cgroup")) {
    const auto fields = split(line, ':');
    if (fields.size() >= 3 && !fields[1].empty()) {
      found.emplace_back(fields[1]);
    }
  }
  return found;
}

// Where init systems mount the hierarchies: version 2 on the usual place itself,
// or each in a directory of it, those of version 1 by the names of their
// controllers. Nothing where it is not so. The mount table would tell as well, but
// it has a line for every named namespace of every lab.
std::vector<CgroupMount> usually_mounted() {
  if (file_system_of(kUsualPlace) == CGROUP2_SUPER_MAGIC) {
    return {{.v2 = true, .mount_point = kUsualPlace}};
  }
  const std::vector<std::string> active = active_hierarchies();
  std::vector<CgroupMount> mounts;
  for (const std::string& name : subdirectories(kUsualPlace)) {
    const std::string path = kUsualPlace + ("/" + name);
    const long type = file_system_of(path);
    if (type == CGROUP2_SUPER_MAGIC) {
      mounts.push_back({.v2 = true, .mount_point = path});
    } else if (type == CGROUP_SUPER_MAGIC && std::ranges::find(active, name) != active.end()) {
      mounts.push_back({.mount_point = path, .controllers = words_of(name, ',')});
    } else if (type != CGROUP_SUPER_MAGIC || name != "systemd") {
      return {};
    }
  }
  const bool all = std::ranges::all_of(active, [&](const std::string& controllers) {
    return controllers.starts_with("name=") ||
           std::ranges::any_of(mounts, [&](const CgroupMount& mount) {
             return join(mount.controllers, ",") == controllers;
           });
  });
  return all ? mounts : std::vector<CgroupMount>{};
}

Result<std::vector<CgroupMount>> in_mount_table() {
  NSLAB_ASSIGN(table, mount_table());
  std::vector<CgroupMount> mounts;
  for (const MountEntry& entry : table) {
    if (!entry.type.starts_with("cgroup")) {
      continue;
    }
    CgroupMount mount{.v2 = entry.type == "cgroup2", .mount_point = entry.target};
    if (!mount.v2) {
      mount.controllers = words_of(entry.options, ',');
    }
    const bool known = std::ranges::any_of(mounts, [&](const CgroupMount& other) {
      return other.v2 == mount.v2 && other.controllers == mount.controllers;
    });
    if (!known) {
      mounts.push_back(std::move(mount));
    }
  }
  return mounts;
}

// A node of a lab has its cgroups read-only, as do containers. Who may mount has them
// writable for itself: a copy of the mount that nobody else sees, as long as this process.
void make_writable(std::string& mount_point) {
  struct statvfs info {};

  static std::map<std::string, UniqueFd> copies;
  if (::statvfs(mount_point.c_str(), &info) != 0 || (info.f_flag & ST_RDONLY) == 0) {
    return;
  }
  UniqueFd& copy = copies[mount_point];
  if (!copy.valid()) {
    copy.reset(::open_tree(AT_FDCWD, mount_point.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    mount_attr writable{
        .attr_set = 0, .attr_clr = MOUNT_ATTR_RDONLY, .propagation = 0, .userns_fd = 0};
    if (copy.valid() &&
        ::mount_setattr(copy.get(), "", AT_EMPTY_PATH, &writable, sizeof writable) != 0) {
      copy.reset();
    }
  }
  if (copy.valid()) {
    // By number: what nslab starts is told of it, too.
    mount_point = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(copy.get());
  }
}

}  // namespace

Result<std::vector<CgroupMount>> mounted() {
  std::vector<CgroupMount> mounts = usually_mounted();
  if (mounts.empty()) {
    NSLAB_ASSIGN(listed, in_mount_table());
    mounts = std::move(listed);
  }
  for (CgroupMount& mount : mounts) {
    make_writable(mount.mount_point);
  }
  for (CgroupMount& mount : mounts) {
    if (mount.v2) {
      mount.controllers = words(mount.mount_point + "/cgroup.controllers");
    }
  }
  return mounts;
}

Result<std::string> read(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return kernel_error("reading " + quote(path), errno);
  }
  std::string content;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0) {
      return kernel_error("reading " + quote(path), errno);
    }
    if (size == 0) {
      return content;
    }
    content.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

Result<void> write(const std::string& path, std::string_view value) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || ::write(fd.get(), value.data(), value.size()) < 0) {
    return kernel_error("writing " + quote(value) + " to " + quote(path), errno);
  }
  return {};
}

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool exists(const std::string& path) {
  // What cannot be told is there.
  return ::access(path.c_str(), F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

std::optional<std::uint64_t> number(const std::string& path) {
  const auto content = read(path);
  return content ? parse_number<std::uint64_t>(*content) : std::nullopt;
}

std::optional<std::uint64_t> keyed_number(const std::string& path, std::string_view key) {
  const auto content = read(path);
  if (!content) {
    return std::nullopt;
  }
  for (const std::string_view line : split(*content, '\n')) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return parse_number<std::uint64_t>(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

// What cannot be listed has nothing to be seen.
std::vector<std::string> subdirectories(const std::string& path) {
  return directories_in(path).value_or({});
}

std::vector<std::string> words(const std::string& path) {
  auto content = read(path);
  if (!content) {
    return {};
  }
  std::replace(content->begin(), content->end(), '\n', ' ');
  return words_of(*content, ' ');
}

std::vector<pid_t> members(const std::string& directory) {
  std::vector<pid_t> pids;
  if (const auto content = read(directory + "/cgroup.procs")) {
    for (const std::string_view line : split(*content, '\n')) {
      // Processes of other PID namespaces show as 0.
      if (const auto pid = parse_number<pid_t>(line); pid && *pid > 0) {
        pids.push_back(*pid);
      }
    }
  }
  return pids;
}

std::vector<pid_t> processes(const std::string& directory) {
  std::vector<pid_t> pids = members(directory);
  for (const std::string& name : subdirectories(directory)) {
    const auto below = processes(directory + "/" + name);
    pids.insert(pids.end(), below.begin(), below.end());
  }
  return pids;
}

}  // namespace nslab::kernel::cgroup_files
