// Control groups, on whatever the host has: version 2, version 1, or both
// (hybrid: v2 for membership and killing, the controllers on v1).
//
// A CgroupTree is one directory, say "nslab", at the root of each hierarchy that
// is needed. Paths are relative to it ("webdb/web"); the empty path is the
// directory itself. A cgroup stands in the v2 hierarchy always, in a v1
// hierarchy once it has a limit there, so that a node without limits costs one
// directory. On a host of v1 alone, one v1 hierarchy takes the place of v2.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace nslab::kernel {

// A limit without a value is no limit.
struct Limits {
  std::optional<std::uint64_t> memory;      // bytes; the kernel rounds down to pages
  std::optional<std::uint64_t> swap;        // bytes of swap, beyond memory
  std::optional<std::uint64_t> cpu_millis;  // thousandths of one CPU
  std::optional<std::uint64_t> cpu_weight;  // 1 to 10,000; 100 is usual
  std::string cpuset;                       // "0-1,3"; empty for every CPU
  std::optional<std::uint64_t> pids;

  bool operator==(const Limits&) const = default;
};

// The form in which limits can be compared with what the kernel reports: memory
// in whole pages, CPUs as a sorted list of ranges, and no value where the value
// is what the kernel does without one (weight 100, every CPU of the host).
Limits canonical(Limits limits);

inline bool equivalent(const Limits& asked, const Limits& read) {
  return canonical(asked) == canonical(read);
}

// What has no value is not counted on this host, or the cgroup has no limit of
// that kind and so no counter.
struct Usage {
  std::optional<std::uint64_t> memory;       // bytes
  std::optional<std::uint64_t> memory_peak;  // bytes
  std::optional<std::chrono::microseconds> cpu_time;
  std::optional<std::uint64_t> pids;
  std::uint64_t oom_kills = 0;
  std::uint64_t processes = 0;  // of the cgroup itself
};

class CgroupTree {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Finds the hierarchies; makes nothing. `missing` when there is none at all.
  static Result<CgroupTree> open(std::string parent);

  // Without the hierarchies in which this cgroup does not exist: what is below it is in
  // none of them, and need not be looked for there.
  [[nodiscard]] CgroupTree narrowed(const std::string& path) const;

  // Makes the cgroup and those above it; one that exists is no error.
  Result<void> create(const std::string& path) const;

  // Removes the cgroup with all below it, in every hierarchy. Waits for the
  // last process to leave. One that does not exist is no error.
  Result<void> remove(const std::string& path, Deadline deadline) const;

  // Makes the limits of a cgroup that exists these, and lifts those that have no value.
  // Processes that are in the cgroup come under them as well.
  Result<void> apply(const std::string& path, const Limits& limits) const;

  // In canonical form.
  [[nodiscard]] Result<Limits> limits(const std::string& path) const;
  [[nodiscard]] Result<Usage> usage(const std::string& path) const;

  // The same of the cgroups directly below that are wanted, by name. Reads no file of a
  // controller that is not in use there: a lab of a thousand nodes without limits
  // costs a directory, not a thousand times ten files.
  [[nodiscard]] std::map<std::string, Limits> limits_below(
      const std::string& path, const std::function<bool(const std::string&)>& wanted) const;
  [[nodiscard]] std::map<std::string, Usage> usage_below(const std::string& path) const;

  // The controllers that these limits need and the host lacks: "memory", "swap",
  // "cpu", "cpuset", "pids".
  [[nodiscard]] std::vector<std::string> missing(const Limits& limits) const;

  [[nodiscard]] bool exists(const std::string& path) const;
  // The names of the cgroups directly below.
  [[nodiscard]] Result<std::vector<std::string>> children(const std::string& path) const;
  // The processes of the cgroup and of all below it.
  [[nodiscard]] Result<std::vector<pid_t>> processes(const std::string& path) const;

  // Kills every process of the cgroup and of all below it, and waits until none
  // is left.
  Result<void> kill(const std::string& path, Deadline deadline) const;
  // The same in two halves, for work that can be done meanwhile: the first does not wait.
  Result<void> begin_kill(const std::string& path) const;
  Result<void> finish_kill(const std::string& path, Deadline deadline) const;
  Result<void> wait_until_empty(const std::string& path, Deadline deadline) const;

  // A process is in the cgroup once "0" was written to each of these by itself,
  // or its number by another. The second list leaves out the v2 hierarchy: for
  // a process that is cloned into directory().
  [[nodiscard]] std::vector<std::string> procs_files(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> v1_procs_files(const std::string& path) const;

  // For CLONE_INTO_CGROUP. Not valid, and no error, on a host without v2.
  [[nodiscard]] Result<UniqueFd> directory(const std::string& path) const;

 private:
  struct Hierarchy {
    bool v2 = false;
    std::string top;  // where it is mounted
    std::vector<std::string> controllers;
  };

  CgroupTree(std::string parent, std::vector<Hierarchy> hierarchies)
      : parent_(std::move(parent)), hierarchies_(std::move(hierarchies)) {}

  // The cgroup's directory in one hierarchy, whether it exists or not.
  [[nodiscard]] std::string place(const Hierarchy& hierarchy, const std::string& path) const;

  [[nodiscard]] const Hierarchy& membership() const { return hierarchies_.front(); }

  [[nodiscard]] const Hierarchy* hierarchy_of(std::string_view controller) const;
  [[nodiscard]] std::vector<std::string> directories(const std::string& path) const;
  // The controllers that the cgroups directly below have files of.
  [[nodiscard]] std::vector<std::string> controllers_below(const Hierarchy& hierarchy,
                                                           const std::string& path) const;
  void read_limits(const Hierarchy& hierarchy,
                   const std::vector<std::string>& controllers,
                   const std::string& path,
                   Limits& limits) const;
  void add_usage(const Hierarchy& hierarchy,
                 const std::vector<std::string>& controllers,
                 const std::string& path,
                 Usage& usage) const;

  Result<void> enable(const Hierarchy& hierarchy,
                      const std::string& path,
                      std::string_view controller) const;
  Result<void> provide(const Hierarchy& hierarchy,
                       const std::string& path,
                       std::string_view controller) const;
  Result<void> move_processes(const std::string& path, const std::string& directory) const;

  std::string parent_;
  std::vector<Hierarchy> hierarchies_;  // that of membership first
};

}  // namespace nslab::kernel
