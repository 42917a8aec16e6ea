#include "kernel/cgroup_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "base/fd.h"
#include "base/text.h"

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

// The mount table writes blanks and backslashes as three octal digits.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      const auto digit = [&](std::size_t at) { return text[i + at] - '0'; };
      plain += static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
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

// proc_pid_mountinfo(5): id parent device root MOUNT-POINT options [optional...]
// - TYPE source SUPER-OPTIONS
std::optional<CgroupMount> parse_mount(const std::string& line) {
  const std::vector<std::string> words = words_of(line, ' ');
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (words.size() < 6 || words.end() - dash < 4 || !dash[1].starts_with("cgroup")) {
    return std::nullopt;
  }
  CgroupMount mount{.v2 = dash[1] == "cgroup2", .mount_point = unescape(words[4])};
  if (!mount.v2) {
    mount.controllers = words_of(dash[3], ',');
  }
  return mount;
}

}  // namespace

Result<std::vector<CgroupMount>> mounted() {
  NSLAB_ASSIGN(table, read("/proc/self/mountinfo"));
  std::vector<CgroupMount> mounts;
  for (const std::string& line : words_of(table, '\n')) {
    auto mount = parse_mount(line);
    if (!mount) {
      continue;
    }
    if (mount->v2) {
      NSLAB_ASSIGN(available, read(mount->mount_point + "/cgroup.controllers"));
      std::replace(available.begin(), available.end(), '\n', ' ');
      mount->controllers = words_of(available, ' ');
    }
    const bool known = std::any_of(mounts.begin(), mounts.end(), [&](const CgroupMount& other) {
      return other.v2 == mount->v2 && other.controllers == mount->controllers;
    });
    if (!known) {
      mounts.push_back(*std::move(mount));
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

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
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

std::vector<std::string> subdirectories(const std::string& path) {
  std::vector<std::string> names;
  std::error_code ignored;  // what cannot be listed has nothing to be seen
  for (auto entry = std::filesystem::directory_iterator(path, ignored);
       entry != std::filesystem::directory_iterator();
       entry.increment(ignored)) {
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
      names.push_back(entry->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<pid_t> processes(const std::string& directory) {
  std::vector<pid_t> pids;
  if (const auto content = read(directory + "/cgroup.procs")) {
    for (const std::string_view line : split(*content, '\n')) {
      // Processes of other PID namespaces show as 0.
      if (const auto pid = parse_number<pid_t>(line); pid && *pid > 0) {
        pids.push_back(*pid);
      }
    }
  }
  for (const std::string& name : subdirectories(directory)) {
    const auto below = processes(directory + "/" + name);
    pids.insert(pids.end(), below.begin(), below.end());
  }
  return pids;
}

}  // namespace nslab::kernel::cgroup_files
