// Control groups, on whatever the host has: version 2, version 1, or both
// (hybrid: v2 for membership and killing, the controllers on v1).
//
// A CgroupTree is one directory, say "nslab", at the root of each hierarchy that
// is needed. Paths are relative to it ("webdb/web"); the empty path is the
// directory itself. A cgroup stands in the v2 hierarchy always, in a v1
// hierarchy once it has a limit there, so that a node without limits costs one
// directory. On a host of v1 alone, one v1 hierarchy takes the place of v2.
//
// The first part of a path is a lab's cgroup. It carries a mark, an extended attribute that
// says which nslab made it: what is in one of the same name that somebody else made must not be
// killed. What is below a marked one is the lab's.
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

// Whether the host has all CPUs of a list, and the list of those that it has: "0-1".
bool has_cpus(const std::string& cpuset);
std::string cpus_of_host();

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

  // Finds the hierarchies; makes nothing. `missing` when there is none at all. `mark` is what
  // the cgroups made through this tree carry.
  static Result<CgroupTree> open(std::string parent, std::string mark = "nslab");

  // From now on leaves out the hierarchies in which this cgroup of the first level exists and
  // has not our mark. One without any mark that nothing is in is ours where the whole
  // directory is, or where `begun`: making it was cut short.
  void recognize(const std::string& lab, bool begun);

  // The name of the directory, in every hierarchy, that all cgroups of this tree are below.
  [[nodiscard]] const std::string& parent() const { return parent_; }

  // The file by which somebody has frozen the cgroup or the one above it; empty for none.
  [[nodiscard]] std::string frozen_by(const std::string& path) const;

  // What recognize() left out: the directory, and the mark that it has instead, if any.
  struct Foreign {
    std::string directory;
    std::string mark;
  };

  [[nodiscard]] const std::vector<Foreign>& foreign() const { return foreign_; }

  // The cgroups of the first level that are ours.
  [[nodiscard]] std::vector<std::string> labs() const;

  // Removes the directory itself in every hierarchy where it is empty, if nslab made it, or
  // `ours` is known from elsewhere.
  void remove_parent(bool ours) const;

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

  // The same for a cgroup that was just made and holds no process: nothing is lifted, nobody moved.
  Result<void> apply_to_new(const std::string& path, const Limits& limits) const;

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

  // Whether the controller is there and can be handed to cgroups of the tree.
  [[nodiscard]] bool can_limit(std::string_view controller) const;

  [[nodiscard]] bool exists(const std::string& path) const;
  // The names of the cgroups directly below.
  [[nodiscard]] Result<std::vector<std::string>> children(const std::string& path) const;
  // The processes of the cgroup and of all below it.
  [[nodiscard]] Result<std::vector<pid_t>> processes(const std::string& path) const;

  // Whether all these processes are in the cgroup or below it, in every hierarchy in which it
  // stands. One that cannot be read is given the benefit of the doubt.
  [[nodiscard]] bool holds(const std::string& path, const std::vector<pid_t>& pids) const;
  // Moves processes into the cgroup, in every hierarchy in which it stands, until `pids`
  // names none that is not in it: some may have been started meanwhile.
  Result<void> gather(const std::string& path,
                      const std::function<std::vector<pid_t>()>& pids) const;

  // How often the limit of processes has refused one.
  [[nodiscard]] std::uint64_t refused_processes(const std::string& path) const;

  // Kills every process of the cgroup and of all below it, and waits until none
  // is left.
  Result<void> kill(const std::string& path, Deadline deadline) const;
  // The same in two halves, for work that can be done meanwhile: the first does not wait.
  Result<void> begin_kill(const std::string& path) const;
  Result<void> finish_kill(const std::string& path, Deadline deadline) const;
  Result<void> wait_until_empty(const std::string& path, Deadline deadline) const;

  // A process is in the cgroup once "0" was written to each of these by itself,
  // or its number by another.
  [[nodiscard]] std::vector<std::string> procs_files(const std::string& path) const;
  // The same for a process of one thread that writes "0" itself, without the v2 hierarchy: for
  // one that is cloned into directory(). By threads, as the kernel then needs no lock that all
  // forks of the host wait for (cgroup_procs_write_start() in kernel/cgroup/cgroup.c).
  [[nodiscard]] std::vector<std::string> v1_tasks_files(const std::string& path) const;

  // The hierarchies of version 1 by which programs size themselves, by their controllers as
  // mount(8) has them: "cpu,cpuacct".
  [[nodiscard]] std::vector<std::string> v1_for_programs() const;
  // Whether the cgroup has a limit in one of them, other than of processes.
  [[nodiscard]] bool is_sized_on_v1(const std::string& path) const;

  // For CLONE_INTO_CGROUP. Not valid, and no error, on a host without v2.
  [[nodiscard]] Result<UniqueFd> directory(const std::string& path) const;

 private:
  struct Hierarchy {
    bool v2 = false;
    std::string top;  // where it is mounted
    std::vector<std::string> controllers;
  };

  CgroupTree(std::string parent, std::string mark, std::vector<Hierarchy> hierarchies)
      : parent_(std::move(parent)), mark_(std::move(mark)), hierarchies_(std::move(hierarchies)) {}

  // Makes the cgroup in one hierarchy, and those above it.
  Result<void> make(const Hierarchy& hierarchy, const std::string& path) const;
  // Whether this lab's cgroup is there and not ours.
  [[nodiscard]] bool is_foreign(const Hierarchy& hierarchy,
                                const std::string& lab,
                                bool begun) const;
  [[nodiscard]] bool is_left_out(const Hierarchy& hierarchy) const;
  [[nodiscard]] bool made_parent() const;

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
  std::string mark_;
  std::vector<Hierarchy> hierarchies_;  // that of membership first
  std::vector<Foreign> foreign_;
};

// A version 1 freezer holds also what was killed. Takes these processes out of it.
void thaw(const std::vector<pid_t>& pids);

}  // namespace nslab::kernel
