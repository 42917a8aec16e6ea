// Which processes are where, as /proc/PID/cgroup tells: one file for all hierarchies, where
// each of them has one of its own and takes longer to read it.
#include <algorithm>

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_files.h"

namespace nslab::kernel {
namespace {

// A line of cgroups(7): "8:pids:/nslab/webdb/web", and "0::/nslab/webdb/web" of version 2.
struct Membership {
  std::string_view controllers;
  std::string_view cgroup;
};

Membership membership_in(std::string_view line) {
  const std::size_t first = std::min(line.find(':'), line.size());
  const std::size_t second = std::min(line.find(':', first + 1), line.size());
  const std::size_t begin = std::min(first + 1, second);
  return {.controllers = line.substr(begin, second - begin),
          .cgroup = line.substr(std::min(second + 1, line.size()))};
}

// Whether it is the cgroup, or below it. What the kernel shows begins where this process's
// cgroup namespace does.
bool is_within(std::string_view cgroup, const std::string& wanted) {
  return cgroup.ends_with(wanted) || cgroup.find(wanted + "/") != std::string_view::npos;
}

}  // namespace

bool CgroupTree::holds(const std::string& path, const std::vector<pid_t>& pids) const {
  const std::string wanted = "/" + parent_ + "/" + path;
  // A controller is in one hierarchy; version 2 is shown without any. What the mount table has
  // of a hierarchy are other words as well.
  const auto is_of = [](const Membership& found, const Hierarchy& hierarchy) {
    const auto shown = split(found.controllers, ',');
    return hierarchy.v2 ? found.controllers.empty()
                        : std::ranges::any_of(shown, [&](std::string_view each) {
                            return std::ranges::find(hierarchy.controllers, each) !=
                                   hierarchy.controllers.end();
                          });
  };
  return std::ranges::all_of(pids, [&](pid_t pid) {
    const auto text = cgroup_files::read("/proc/" + std::to_string(pid) + "/cgroup");
    const auto lines = split(text ? std::string_view(*text) : std::string_view(), '\n');
    return std::ranges::all_of(hierarchies_, [&](const Hierarchy& hierarchy) {
      const bool in_it = std::ranges::any_of(lines, [&](std::string_view line) {
        const Membership found = membership_in(line);
        return is_of(found, hierarchy) && is_within(found.cgroup, wanted);
      });
      const bool has_to_be =
          &hierarchy == &membership() ||
          (!is_left_out(hierarchy) && cgroup_files::exists(place(hierarchy, path)));
      return in_it || !has_to_be;
    });
  });
}

}  // namespace nslab::kernel
