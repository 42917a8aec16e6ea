// Making cgroups, and telling one's own from others (cgroup.h).
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <set>

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_files.h"

namespace nslab::kernel {
namespace {

// Of the directory that all labs' cgroups are in.
constexpr std::string_view kParentMark = "labs";

// The first takes CAP_SYS_ADMIN; the second is there on version 2 without, since Linux 5.7.
constexpr std::array kMarkNames{"trusted.nslab", "user.nslab"};

std::string mark_of(const std::string& directory) {
  std::array<char, PATH_MAX> value{};
  for (const char* name : kMarkNames) {
    const ssize_t size = ::getxattr(directory.c_str(), name, value.data(), value.size());
    if (size > 0) {
      return {value.data(), static_cast<std::size_t>(size)};
    }
  }
  return {};
}

Result<void> set_mark(const std::string& directory, std::string_view mark) {
  for (const char* name : kMarkNames) {
    if (::setxattr(directory.c_str(), name, mark.data(), mark.size(), 0) == 0) {
      return {};
    }
  }
  return kernel_error("marking cgroup " + quote(directory), errno);
}

// Whether it was made just now.
Result<bool> make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0) {
    return true;
  }
  return errno == EEXIST ? Result<bool>(false)
                         : kernel_error("creating cgroup " + quote(directory), errno);
}

}  // namespace

bool CgroupTree::made_parent() const {
  return mark_of(place(membership(), "")) == kParentMark;
}

bool CgroupTree::is_foreign(const Hierarchy& hierarchy, const std::string& lab, bool begun) const {
  const std::string directory = place(hierarchy, lab);
  if (!cgroup_files::exists(directory)) {
    return false;
  }
  if (const std::string mark = mark_of(directory); !mark.empty()) {
    return mark != mark_;
  }
  const bool empty = cgroup_files::subdirectories(directory).empty() &&
                     cgroup_files::read(directory + "/cgroup.procs").value_or("?").empty();
  return !empty || !(begun || made_parent());
}

void CgroupTree::recognize(const std::string& lab, bool begun) {
  foreign_.clear();
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (is_foreign(hierarchy, lab, begun)) {
      const std::string directory = place(hierarchy, lab);
      foreign_.push_back({.directory = directory, .mark = mark_of(directory)});
    }
  }
}

bool CgroupTree::is_left_out(const Hierarchy& hierarchy) const {
  return std::any_of(foreign_.begin(), foreign_.end(), [&](const Foreign& each) {
    return each.directory.starts_with(place(hierarchy, "") + "/");
  });
}

std::vector<std::string> CgroupTree::labs() const {
  std::set<std::string> names;
  for (const Hierarchy& hierarchy : hierarchies_) {
    for (const std::string& name : cgroup_files::subdirectories(place(hierarchy, ""))) {
      if (!is_foreign(hierarchy, name, /*begun=*/false)) {
        names.insert(name);
      }
    }
  }
  return {names.begin(), names.end()};
}

void CgroupTree::remove_parent(bool ours) const {
  if (!ours && !made_parent()) {
    return;
  }
  // Membership last: its mark speaks for the rest.
  for (auto hierarchy = hierarchies_.rbegin(); hierarchy != hierarchies_.rend(); ++hierarchy) {
    (void)::rmdir(place(*hierarchy, "").c_str());
  }
}

// The mark follows at once. A lab's own cgroup that is there without one was begun by a
// command that was killed just then: others are left out (recognize()).
Result<void> CgroupTree::make(const Hierarchy& hierarchy, const std::string& path) const {
  const auto once = [&]() -> Result<void> {
    NSLAB_ASSIGN(new_parent, make_directory(place(hierarchy, "")));
    if (new_parent) {
      NSLAB_TRY(set_mark(place(hierarchy, ""), kParentMark));
    }
    for (std::size_t end = 0; end != std::string::npos;) {
      const bool is_lab = end == 0;
      end = path.find('/', end + 1);
      const std::string step = place(hierarchy, path.substr(0, end));
      NSLAB_ASSIGN(is_new, make_directory(step));
      // A node's own comes after its lab's, which has its mark then.
      const bool may_lack_it = is_lab && (end == std::string::npos || !hierarchy.v2);
      if (is_lab && (is_new || (may_lack_it && mark_of(step).empty()))) {
        NSLAB_TRY(set_mark(step, mark_));
      }
    }
    return {};
  };
  // The end of the last lab removes the directory of all, perhaps between our two calls; not every
  // time.
  constexpr int kAttempts = 100;
  auto made = once();
  for (int attempt = 1; !made && made.error().os_error == ENOENT && attempt < kAttempts;
       ++attempt) {
    made = once();
  }
  return made;
}

}  // namespace nslab::kernel
