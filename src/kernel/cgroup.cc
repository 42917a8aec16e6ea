#include "kernel/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <iterator>
#include <limits>
#include <set>

#include "base/parallel.h"
#include "base/text.h"
#include "kernel/cgroup_files.h"
#include "kernel/cgroup_limits.h"

namespace nslab::kernel {

namespace {

using cgroup_files::contains;

// The v1 cpusets from just below `top` down to `directory`, from the top.
Result<void> inherit_cpusets(const std::string& top, const std::string& directory) {
  std::size_t end = top.size();
  while (end != std::string::npos) {
    end = directory.find('/', end + 1);
    NSLAB_TRY(cgroup_limits::inherit_cpuset(directory.substr(0, end)));
  }
  return {};
}

Error cannot_limit(const std::vector<std::string>& lacking) {
  return {.kind = ErrorKind::missing,
          .message = "this host cannot limit " + join(lacking, ", ") + " by cgroup"};
}

bool has_sizes(const std::vector<std::string>& controllers) {
  constexpr std::array<std::string_view, 4> kSizes{"memory", "cpu", "cpuset", "cpuacct"};
  return std::ranges::any_of(kSizes,
                             [&](std::string_view each) { return contains(controllers, each); });
}

bool swap_exists(bool v2, const std::string& top) {
  return cgroup_files::exists(v2 ? "/proc/swaps" : top + "/memory.memsw.limit_in_bytes");
}

// Moves those that are not there yet, until none was forked under way, or for so many rounds.
Result<void> move_all(const std::string& directory,
                      const std::function<std::vector<pid_t>()>& pids,
                      int rounds) {
  bool moved = true;
  for (int round = 0; moved && round < rounds; ++round) {
    moved = false;
    const auto there = cgroup_files::processes(directory);
    for (const pid_t pid : pids()) {
      if (std::find(there.begin(), there.end(), pid) != there.end()) {
        continue;
      }
      auto written = cgroup_files::write(directory + "/cgroup.procs", std::to_string(pid));
      if (!written && written.error().os_error != ESRCH) {
        return written;
      }
      moved = moved || written.has_value();
    }
  }
  return {};
}

}  // namespace

Result<CgroupTree> CgroupTree::open(std::string parent, std::string mark) {
  NSLAB_ASSIGN(mounts, cgroup_files::mounted());
  std::vector<Hierarchy> hierarchies;
  hierarchies.reserve(mounts.size());
  for (auto& mount : mounts) {
    hierarchies.push_back({.v2 = mount.v2,
                           .top = std::move(mount.mount_point),
                           .controllers = std::move(mount.controllers)});
  }
  if (hierarchies.empty()) {
    return Error{.kind = ErrorKind::missing,
                 .message = "no cgroup hierarchy is mounted",
                 .hint = "mount -t cgroup2 none /sys/fs/cgroup"};
  }
  const auto rank = [](const Hierarchy& hierarchy) {
    return hierarchy.v2 ? 0 : contains(hierarchy.controllers, "pids") ? 1 : 2;
  };
  std::stable_sort(
      hierarchies.begin(), hierarchies.end(), [&](const Hierarchy& left, const Hierarchy& right) {
        return rank(left) < rank(right);
      });
  return CgroupTree(std::move(parent), std::move(mark), std::move(hierarchies));
}

CgroupTree CgroupTree::narrowed(const std::string& path) const {
  std::vector<Hierarchy> present{membership()};
  std::copy_if(hierarchies_.begin() + 1,
               hierarchies_.end(),
               std::back_inserter(present),
               [&](const Hierarchy& each) { return cgroup_files::exists(place(each, path)); });
  CgroupTree tree(parent_, mark_, std::move(present));
  tree.foreign_ = foreign_;
  return tree;
}

std::string CgroupTree::place(const Hierarchy& hierarchy, const std::string& path) const {
  return hierarchy.top + "/" + parent_ + (path.empty() ? "" : "/" + path);
}

const CgroupTree::Hierarchy* CgroupTree::hierarchy_of(std::string_view controller) const {
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (contains(hierarchy.controllers, controller)) {
      return &hierarchy;
    }
  }
  return nullptr;
}

// Where the cgroup exists.
std::vector<std::string> CgroupTree::directories(const std::string& path) const {
  std::vector<std::string> found;
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (std::string directory = place(hierarchy, path);
        !is_left_out(hierarchy) && cgroup_files::exists(directory)) {
      found.push_back(std::move(directory));
    }
  }
  return found;
}

Result<void> CgroupTree::create(const std::string& path) const {
  return make(membership(), path);
}

// Hands a v2 controller down from the root of the mount to the cgroup.
Result<void> CgroupTree::enable(const Hierarchy& hierarchy,
                                const std::string& path,
                                std::string_view controller) const {
  const std::string directory = place(hierarchy, path);
  std::size_t end = hierarchy.top.size();
  while (end != std::string::npos) {
    const std::string step = directory.substr(0, end);
    auto enabled =
        cgroup_files::write(step + "/cgroup.subtree_control", "+" + std::string{controller});
    if (!enabled) {
      Error error = std::move(enabled.error());
      if (error.os_error == EBUSY) {
        error.hint = "processes stand in cgroup " + quote(step) + " itself: move them below it";
      }
      return std::move(error).while_doing("enabling the " + std::string{controller} +
                                          " controller");
    }
    end = directory.find('/', end + 1);
  }
  return {};
}

// Brings the cgroup's processes under a v1 hierarchy that it was not in before.
Result<void> CgroupTree::move_processes(const std::string& path,
                                        const std::string& directory) const {
  return move_all(
      directory,
      [&] { return cgroup_files::processes(place(membership(), path)); },
      std::numeric_limits<int>::max());
}

// Makes the controller's files exist for the cgroup. On v1 that is a directory
// of its own, which the cgroup's processes are not in.
Result<void> CgroupTree::provide(const Hierarchy& hierarchy,
                                 const std::string& path,
                                 std::string_view controller) const {
  if (hierarchy.v2) {
    return enable(hierarchy, path, controller);
  }
  NSLAB_TRY(make(hierarchy, path));
  if (contains(hierarchy.controllers, "cpuset")) {
    return inherit_cpusets(hierarchy.top, place(hierarchy, path));
  }
  return {};
}

Result<void> CgroupTree::apply(const std::string& path, const Limits& limits) const {
  if (const auto lacking = missing(limits); !lacking.empty()) {
    return cannot_limit(lacking);
  }
  for (const auto& controller : cgroup_limits::kControllers) {
    const Hierarchy* hierarchy = hierarchy_of(controller.name);
    if (hierarchy == nullptr) {
      continue;
    }
    const std::string directory = place(*hierarchy, path);
    const cgroup_limits::Access& access = hierarchy->v2 ? controller.v2 : controller.v1;
    if (!controller.limited(limits)) {
      // A controller that was never enabled here has no files and no limits.
      Limits now;
      access.read(directory, now);
      if (controller.limited(now)) {
        NSLAB_TRY(access.write(directory, limits));
      }
      continue;
    }
    const bool is_new = !cgroup_files::exists(directory);
    NSLAB_TRY(provide(*hierarchy, path, controller.name));
    NSLAB_TRY(access.write(directory, limits));
    if (is_new) {
      NSLAB_TRY(move_processes(path, directory));
    }
  }
  return {};
}

Result<void> CgroupTree::apply_to_new(const std::string& path, const Limits& limits) const {
  if (const auto lacking = missing(limits); !lacking.empty()) {
    return cannot_limit(lacking);
  }
  for (const auto& controller : cgroup_limits::kControllers) {
    if (!controller.limited(limits)) {
      continue;
    }
    const Hierarchy& hierarchy = *hierarchy_of(controller.name);
    const cgroup_limits::Access& access = hierarchy.v2 ? controller.v2 : controller.v1;
    const std::string directory = place(hierarchy, path);
    // As a rule those above have the controller already, by a cgroup that was made before.
    const bool there =
        hierarchy.v2 || (controller.name != "cpuset" && ::mkdir(directory.c_str(), 0755) == 0);
    auto written = there ? access.write(directory, limits) : kernel_error("", ENOENT);
    if (!written && written.error().os_error == ENOENT) {
      NSLAB_TRY(provide(hierarchy, path, controller.name));
      written = access.write(directory, limits);
    }
    NSLAB_TRY(std::move(written));
  }
  return {};
}

Result<Limits> CgroupTree::limits(const std::string& path) const {
  if (!exists(path)) {
    return kernel_error("reading the limits of cgroup " + quote(path), ENOENT);
  }
  Limits limits;
  for (const Hierarchy& hierarchy : hierarchies_) {
    read_limits(hierarchy, hierarchy.controllers, path, limits);
  }
  return canonical(std::move(limits));
}

void CgroupTree::read_limits(const Hierarchy& hierarchy,
                             const std::vector<std::string>& controllers,
                             const std::string& path,
                             Limits& limits) const {
  for (const auto& controller : cgroup_limits::kControllers) {
    if (contains(controllers, controller.name) && hierarchy_of(controller.name) == &hierarchy) {
      const auto& access = hierarchy.v2 ? controller.v2 : controller.v1;
      access.read(place(hierarchy, path), limits);
    }
  }
}

std::vector<std::string> CgroupTree::controllers_below(const Hierarchy& hierarchy,
                                                       const std::string& path) const {
  return hierarchy.v2 ? cgroup_files::words(place(hierarchy, path) + "/cgroup.subtree_control")
                      : hierarchy.controllers;
}

std::map<std::string, Limits> CgroupTree::limits_below(
    const std::string& path, const std::function<bool(const std::string&)>& wanted) const {
  std::map<std::string, Limits> found;
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (is_left_out(hierarchy)) {
      continue;
    }
    const auto controllers = controllers_below(hierarchy, path);
    for (const std::string& name : cgroup_files::subdirectories(place(hierarchy, path))) {
      if (wanted(name)) {
        read_limits(hierarchy, controllers, path + "/" + name, found[name]);
      }
    }
  }
  for (auto& [name, limits] : found) {
    limits = canonical(std::move(limits));
  }
  return found;
}

std::map<std::string, Usage> CgroupTree::usage_below(const std::string& path) const {
  std::map<std::string, Usage> found;
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (is_left_out(hierarchy)) {
      continue;
    }
    const auto controllers = controllers_below(hierarchy, path);
    const auto names = cgroup_files::subdirectories(place(hierarchy, path));
    std::vector<Usage*> usages;
    for (const std::string& name : names) {
      usages.push_back(&found[name]);
    }
    const bool counts = &hierarchy == &membership();
    in_parallel(names.size(), [&](std::size_t i) {
      add_usage(hierarchy, controllers, path + "/" + names[i], *usages[i]);
      if (counts) {
        usages[i]->processes =
            cgroup_files::members(place(hierarchy, path + "/" + names[i])).size();
      }
    });
  }
  return found;
}

void CgroupTree::add_usage(const Hierarchy& hierarchy,
                           const std::vector<std::string>& controllers,
                           const std::string& path,
                           Usage& usage) const {
  const auto add = hierarchy.v2 ? cgroup_limits::add_usage_v2 : cgroup_limits::add_usage_v1;
  add(place(hierarchy, path), controllers, usage);
}

Result<Usage> CgroupTree::usage(const std::string& path) const {
  if (!exists(path)) {
    return kernel_error("reading the usage of cgroup " + quote(path), ENOENT);
  }
  Usage usage;
  for (const Hierarchy& hierarchy : hierarchies_) {
    add_usage(hierarchy, hierarchy.controllers, path, usage);
  }
  usage.processes = cgroup_files::members(place(membership(), path)).size();
  return usage;
}

std::vector<std::string> CgroupTree::missing(const Limits& limits) const {
  std::vector<std::string> names;
  for (const auto& controller : cgroup_limits::kControllers) {
    if (controller.limited(limits) && hierarchy_of(controller.name) == nullptr) {
      names.emplace_back(controller.name);
    }
  }
  const Hierarchy* memory = hierarchy_of("memory");
  if (limits.swap && (memory == nullptr || !swap_exists(memory->v2, memory->top))) {
    names.emplace_back("swap");
  }
  return names;
}

bool CgroupTree::can_limit(std::string_view controller) const {
  const Hierarchy* hierarchy = hierarchy_of(controller);
  if (hierarchy == nullptr || !hierarchy->v2 ||
      contains(cgroup_files::words(hierarchy->top + "/cgroup.subtree_control"), controller)) {
    return hierarchy != nullptr;
  }
  // Only the root of all cgroups, which has no type, may hold processes beside cgroups with
  // controllers.
  return !cgroup_files::exists(hierarchy->top + "/cgroup.type") ||
         cgroup_files::words(hierarchy->top + "/cgroup.procs").empty();
}

bool CgroupTree::exists(const std::string& path) const {
  return !directories(path).empty();
}

Result<std::vector<std::string>> CgroupTree::children(const std::string& path) const {
  std::set<std::string> names;
  for (const std::string& directory : directories(path)) {
    const auto below = cgroup_files::subdirectories(directory);
    names.insert(below.begin(), below.end());
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<pid_t>> CgroupTree::processes(const std::string& path) const {
  std::set<pid_t> all;
  for (const std::string& directory : directories(path)) {
    const auto here = cgroup_files::processes(directory);
    all.insert(here.begin(), here.end());
  }
  return std::vector<pid_t>(all.begin(), all.end());
}

Result<void> CgroupTree::gather(const std::string& path,
                                const std::function<std::vector<pid_t>()>& pids) const {
  constexpr int kRounds = 20;
  for (const std::string& directory : directories(path)) {
    NSLAB_TRY(move_all(directory, pids, kRounds));
  }
  return {};
}

std::uint64_t CgroupTree::refused_processes(const std::string& path) const {
  std::uint64_t refused = 0;
  for (const std::string& directory : directories(path)) {
    refused += cgroup_files::keyed_number(directory + "/pids.events", "max").value_or(0);
  }
  return refused;
}

std::vector<std::string> CgroupTree::procs_files(const std::string& path) const {
  auto files = directories(path);
  for (std::string& file : files) {
    file += "/cgroup.procs";
  }
  return files;
}

std::string CgroupTree::frozen_by(const std::string& path) const {
  for (const Hierarchy& each : hierarchies_) {
    for (const std::string& directory : {place(each, path), place(each, "")}) {
      const std::string file = directory + (each.v2 ? "/cgroup.freeze" : "/freezer.state");
      const auto state = each.v2 || contains(each.controllers, "freezer") ? cgroup_files::read(file)
                                                                          : Result<std::string>("");
      if (state && (state->starts_with("1") || state->starts_with("FR"))) {
        return file;
      }
    }
  }
  return {};
}

std::vector<std::string> CgroupTree::v1_tasks_files(const std::string& path) const {
  std::vector<std::string> files;
  for (const Hierarchy& each : hierarchies_) {
    if (std::string directory = place(each, path); !each.v2 && cgroup_files::exists(directory)) {
      files.push_back(std::move(directory) + "/tasks");
    }
  }
  return files;
}

std::vector<std::string> CgroupTree::v1_for_programs() const {
  std::vector<std::string> found;
  for (const Hierarchy& each : hierarchies_) {
    if (!each.v2 && (has_sizes(each.controllers) || contains(each.controllers, "pids"))) {
      found.push_back(join(each.controllers, ","));
    }
  }
  return found;
}

bool CgroupTree::is_sized_on_v1(const std::string& path) const {
  return std::ranges::any_of(hierarchies_, [&](const Hierarchy& each) {
    return !each.v2 && has_sizes(each.controllers) && cgroup_files::exists(place(each, path));
  });
}

Result<UniqueFd> CgroupTree::directory(const std::string& path) const {
  if (!membership().v2) {
    return UniqueFd();
  }
  UniqueFd fd(::open(place(membership(), path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    return kernel_error("opening cgroup " + quote(path), errno);
  }
  return fd;
}

}  // namespace nslab::kernel
