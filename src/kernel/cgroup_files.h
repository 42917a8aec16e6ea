// The files of cgroups, and where the hierarchies are mounted. For the
// cgroup_*.cc files and for probe/.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nslab::kernel::cgroup_files {

struct CgroupMount {
  bool v2 = false;
  std::string mount_point;
  std::vector<std::string> controllers;  // as the kernel names them
};

// Every hierarchy once, in the order of the mount table.
Result<std::vector<CgroupMount>> mounted();

Result<std::string> read(const std::string& path);
Result<void> write(const std::string& path, std::string_view value);

bool exists(const std::string& path);

// Whether a list of controllers has that one.
bool contains(const std::vector<std::string>& list, std::string_view item);

// Nothing when the file is absent or its content is no plain number ("max").
std::optional<std::uint64_t> number(const std::string& path);
// The number after `key` in a file of "key number" lines.
std::optional<std::uint64_t> keyed_number(const std::string& path, std::string_view key);

// Names of the directories directly below, sorted; none where there is no
// such directory.
std::vector<std::string> subdirectories(const std::string& path);

// The words of a file; none where it cannot be read.
std::vector<std::string> words(const std::string& path);

// The processes of the directory itself.
std::vector<pid_t> members(const std::string& directory);

// The processes of the directory and of all below it.
std::vector<pid_t> processes(const std::string& directory);

}  // namespace nslab::kernel::cgroup_files
