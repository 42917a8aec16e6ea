// Which files of a cgroup carry which limit, on version 1 and version 2.
// Internal to the cgroup_*.cc files.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/cgroup.h"

namespace nslab::kernel::cgroup_limits {

// How one version of cgroups sets and tells the limits of one controller, in the
// cgroup's directory. What has no value is lifted.
struct Access {
  Result<void> (*write)(const std::string& directory, const Limits& limits);
  void (*read)(const std::string& directory, Limits& limits);
};

struct Controller {
  std::string_view name;
  bool (*limited)(const Limits& limits);  // whether any of its limits has a value
  Access v1;
  Access v2;
};

extern const std::array<Controller, 4> kControllers;

// Gives a v1 cpuset, new and so without CPUs and memory nodes, those of its
// parent: processes cannot enter it before.
Result<void> inherit_cpuset(const std::string& directory);

// What these controllers count in the directory.
void add_usage_v1(const std::string& directory,
                  const std::vector<std::string>& controllers,
                  Usage& usage);
void add_usage_v2(const std::string& directory,
                  const std::vector<std::string>& controllers,
                  Usage& usage);

}  // namespace nslab::kernel::cgroup_limits
