// overlayfs, on a tmpfs that goes with the attempt's mount namespace.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "kernel/mount.h"
#include "kernel/netns.h"
#include "probe/attempts.h"
#include "probe/child.h"

namespace nslab::probe {
namespace {

// Over a directory that every host has and nothing here uses any more.
constexpr const char* kScratch = "/proc";

Result<void> mount_an_overlay() {
  if (::mount("tmpfs", kScratch, "tmpfs", 0, nullptr) != 0) {
    return kernel_error("mounting a tmpfs to try it on", errno);
  }
  if (::chdir(kScratch) != 0) {
    return kernel_error("entering the tmpfs to try it on", errno);
  }
  for (const char* directory : {"lower", "upper", "work", "root"}) {
    if (::mkdir(directory, 0755) != 0) {
      return kernel_error("making a directory to try it on", errno);
    }
  }
  if (::mount("overlay", "root", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work") != 0) {
    return kernel_error("mounting an overlay", errno);
  }
  return {};
}

}  // namespace

Finding try_overlay(const Feature& /*feature*/) {
  return finding_of(mount_an_overlay());
}

bool lists_overlay(const Feature& /*feature*/) {
  std::ifstream file("/proc/filesystems");
  std::string line;
  while (std::getline(file, line)) {
    if (line.ends_with("\toverlay")) {
      return true;
    }
  }
  return false;
}

Finding try_overlay_in_userns(const Feature& /*feature*/) {
  if (const auto entered = enter_own_userns(); !entered) {
    return {State::unknown, to_string(entered.error())};
  }
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return {State::unknown, to_string(kernel_error("making a mount namespace", errno))};
  }
  const auto mounted = mount_an_overlay();
  return mounted ? Finding{} : Finding{State::missing, to_string(mounted.error())};
}

Finding try_idmapped_root(const Feature& /*feature*/) {
  if (::geteuid() != 0) {
    return {State::unknown, "only root may map owners", "run it as root"};
  }
  constexpr std::uint32_t kAnyIds = 524288;
  const auto userns = kernel::create_userns(kAnyIds, 1);
  if (!userns) {
    return {State::unknown, to_string(userns.error())};
  }
  return kernel::takes_id_map("/", userns->get())
             ? Finding{}
             : Finding{State::missing, "the file system of / does not let owners be mapped"};
}

}  // namespace nslab::probe
