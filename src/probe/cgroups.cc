// Control groups: tried by a cgroup of our own, which is removed at once. Nothing
// is enabled for it, since that would change the host's own cgroups.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_files.h"
#include "probe/attempts.h"
#include "probe/child.h"
#include "probe/remedies.h"

namespace nslab::probe {
namespace {

namespace files = kernel::cgroup_files;
using files::CgroupMount;

// The file by which a limit of the controller is set, where it is delegated.
struct LimitFile {
  std::string_view controller;
  std::string_view v1;
  std::string_view v2;
};

constexpr std::array kLimitFiles{LimitFile{"cpu", "cpu.cfs_quota_us", "cpu.max"},
                                 LimitFile{"cpuset", "cpuset.cpus", "cpuset.cpus"},
                                 LimitFile{"memory", "memory.limit_in_bytes", "memory.max"},
                                 LimitFile{"pids", "pids.max", "pids.max"}};

bool has_word(const std::string& text, std::string_view word) {
  std::string spaced = text;
  std::ranges::replace(spaced, '\n', ' ');
  const auto words = split(spaced, ' ');
  return std::ranges::find(words, word) != words.end();
}

std::vector<CgroupMount> hierarchies() {
  auto found = files::mounted();
  return found ? *std::move(found) : std::vector<CgroupMount>{};
}

bool has_controller(const CgroupMount& mount, std::string_view name) {
  return std::ranges::find(mount.controllers, name) != mount.controllers.end();
}

std::optional<CgroupMount> hierarchy_with(std::string_view controller) {
  for (const CgroupMount& mount : hierarchies()) {
    if (has_controller(mount, controller)) {
      return mount;
    }
  }
  return std::nullopt;
}

std::optional<CgroupMount> hierarchy_v2() {
  for (const CgroupMount& mount : hierarchies()) {
    if (mount.v2) {
      return mount;
    }
  }
  return std::nullopt;
}

std::string name_of(const CgroupMount& mount) {
  return std::string(mount.v2 ? "version 2" : "version 1") + ", " + mount.mount_point;
}

// A cgroup that goes at the end of its scope.
class Throwaway {
 public:
  static Result<Throwaway> make(const CgroupMount& mount) {
    // Process numbers repeat in every PID namespace, cgroups do not.
    std::string path = mount.mount_point + "/nslab-doctor-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      const int os_error = errno;
      return kernel_error("creating a cgroup in " + mount.mount_point, os_error);
    }
    return Throwaway(std::move(path));
  }

  ~Throwaway() {
    if (!path_.empty()) {
      (void)::rmdir(path_.c_str());
    }
  }

  Throwaway(Throwaway&& other) noexcept : path_(std::exchange(other.path_, {})) {}

  Throwaway& operator=(Throwaway&&) = delete;
  Throwaway(const Throwaway&) = delete;
  Throwaway& operator=(const Throwaway&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit Throwaway(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// Whether a version 2 controller can be handed to cgroups below the mount.
Result<bool> is_delegated(const CgroupMount& mount, std::string_view controller) {
  NSLAB_ASSIGN(enabled, files::read(mount.mount_point + "/cgroup.subtree_control"));
  if (has_word(enabled, controller)) {
    return true;
  }
  // The root of all cgroups has no type, and is the only one that may hold both
  // processes and cgroups with controllers.
  const auto processes = files::read(mount.mount_point + "/cgroup.procs");
  if (files::exists(mount.mount_point + "/cgroup.type") && processes && !processes->empty()) {
    return Error{.kind = ErrorKind::missing,
                 .message = "processes stand in " + mount.mount_point +
                            " itself, so that it cannot give out its controllers"};
  }
  return false;
}

Result<void> try_limit(const CgroupMount& mount, const LimitFile& file) {
  NSLAB_ASSIGN(cgroup, Throwaway::make(mount));
  if (mount.v2) {
    NSLAB_ASSIGN(delegated, is_delegated(mount, file.controller));
    if (!delegated) {
      return {};  // there to be enabled, which is for `up` to do
    }
  }
  const std::string path = cgroup.path() + "/" + std::string(mount.v2 ? file.v2 : file.v1);
  if (::access(path.c_str(), W_OK) != 0) {
    return kernel_error("opening " + quote(path), errno);
  }
  return {};
}

// Where there is a hierarchy in which no cgroup can be made. A mount that is only read-only
// was none: nslab has it writable for itself (kernel/cgroup_files.cc).
std::string remedy_for(const CgroupMount& mount) {
  struct stat info {};

  if (::stat(mount.mount_point.c_str(), &info) == 0 && info.st_uid != ::geteuid()) {
    return "have a cgroup given to user " + std::to_string(::geteuid()) +
           ": in a node, write 'user: host' for it";
  }
  return "mount -o remount,rw " + mount.mount_point;
}

// A cgroup but the first of all gives its controllers out when no process stands in it.
std::string make_room(const CgroupMount& mount) {
  const std::string& top = mount.mount_point;
  return "mkdir -p " + top + "/main && for p in $(cat " + top + "/cgroup.procs); do echo $p >" +
         top + "/main/cgroup.procs 2>/dev/null; done";
}

// Beside what is mounted of version 1, or instead of nothing.
std::string mount_v2() {
  return hierarchies().empty() ? "mount -t cgroup2 none /sys/fs/cgroup"
                               : "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none "
                                 "/sys/fs/cgroup/unified";
}

Finding try_in(const std::optional<CgroupMount>& mount, std::string_view controller) {
  if (!mount || !has_controller(*mount, controller)) {
    return hierarchy_with(controller) ? Finding{State::missing, "the controller is on version 1"}
                                      : Finding{State::missing,
                                                "no hierarchy has the controller",
                                                controller_remedy(controller)};
  }
  const auto* file = std::ranges::find(kLimitFiles, controller, &LimitFile::controller);
  const auto tried = try_limit(*mount, *file);
  Finding finding = finding_of(tried);
  if (finding.state == State::missing) {
    finding.remedy =
        tried.error().kind == ErrorKind::missing ? make_room(*mount) : remedy_for(*mount);
  }
  if (finding.state == State::present) {
    finding.detail = name_of(*mount);
  }
  return finding;
}

kernel::Limits swap_limit() {
  return {.memory = 64 << 20, .swap = 64 << 20};
}

bool can_limit_swap() {
  const auto tree = kernel::CgroupTree::open("nslab");
  return tree && tree->missing(swap_limit()).empty();
}

}  // namespace

Finding find_cgroups(const Feature& /*feature*/) {
  const std::vector<CgroupMount> all = hierarchies();
  if (all.empty()) {
    return {State::missing, "no cgroup hierarchy is mounted"};
  }
  const bool v2 = std::ranges::any_of(all, &CgroupMount::v2);
  const bool v1 = !std::ranges::all_of(all, &CgroupMount::v2);
  const auto mount = hierarchy_v2().value_or(all.front());
  Finding finding = finding_of([&]() -> Result<void> {
    NSLAB_TRY(Throwaway::make(mount));
    return {};
  }());
  if (finding.state == State::missing) {
    finding.remedy = remedy_for(mount);
  }
  if (finding.state == State::present) {
    finding.detail = v2 && v1 ? "version 2, with controllers on version 1"
                              : (v2 ? "version 2" : "version 1 alone");
  }
  return finding;
}

Finding find_cgroup_v2(const Feature& /*feature*/) {
  const auto mount = hierarchy_v2();
  if (!mount) {
    return {State::missing, "no hierarchy of version 2 is mounted", mount_v2()};
  }
  if (mount->controllers.empty()) {
    return {State::limited, mount->mount_point + ", without a controller"};
  }
  return {State::present, mount->mount_point + " with " + join(mount->controllers, ", ")};
}

Finding try_controller(const Feature& feature) {
  const std::string_view name = part_of(feature);
  if (name == "swap") {
    return can_limit_swap()
               ? Finding{}
               : Finding{State::missing,
                         "the kernel does not account for swap",
                         "boot with swapaccount=1 on the kernel's command line, or one "
                         "built with CONFIG_SWAP"};
  }
  return try_in(hierarchy_with(name), name);
}

bool lists_controller(const Feature& feature) {
  const std::string_view name = part_of(feature);
  return name == "swap" ? can_limit_swap() : hierarchy_with(name).has_value();
}

Finding try_controller_v2(const Feature& feature) {
  return try_in(hierarchy_v2(), part_of(feature));
}

Finding try_cgroup_kill(const Feature& /*feature*/) {
  const auto mount = hierarchy_v2();
  if (!mount) {
    return {State::missing, "no hierarchy of version 2 is mounted", mount_v2()};
  }
  return finding_of([&]() -> Result<void> {
    NSLAB_ASSIGN(cgroup, Throwaway::make(*mount));
    return files::write(cgroup.path() + "/cgroup.kill", "1");
  }());
}

}  // namespace nslab::probe
