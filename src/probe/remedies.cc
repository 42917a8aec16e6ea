#include "probe/remedies.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/fd.h"

namespace nslab::probe {
namespace {

constexpr std::string_view kPrivileged =
    "in a container: start it with CAP_SYS_ADMIN and without a seccomp filter, as 'docker run "
    "--privileged' does";

std::string first_word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

// Whether the file of modules that are there, or built in, names it.
bool names_module(const std::string& list, std::string_view module) {
  std::ifstream file(list);
  std::string line;
  const std::string name = "/" + std::string(module) + ".ko";
  while (std::getline(file, line)) {
    if (line.substr(0, line.find(':')).find(name) != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::string modules_directory() {
  utsname about{};
  (void)::uname(&about);
  return "/lib/modules/" + std::string(about.release);
}

std::string upper(std::string_view text) {
  std::string large(text);
  std::ranges::transform(large, large.begin(), [](unsigned char each) {
    return static_cast<char>(std::toupper(each));
  });
  return large;
}

std::pair<std::uint64_t, std::uint64_t> place_of_root() {
  struct statx info {};

  (void)::statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &info);
  return {info.stx_mnt_id, info.stx_ino};
}

// To enter one's own mount namespace is to leave every chroot(2) in it.
bool leaves_a_chroot() {
  const auto before = place_of_root();
  const UniqueFd own(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  return own.valid() && ::setns(own.get(), CLONE_NEWNS) == 0 && place_of_root() != before;
}

// The row of /proc/cgroups: in which hierarchy it is, 0 for version 2 or none, and whether
// the kernel was told not to have it.
struct Controller {
  bool known = false;
  bool enabled = false;
  int hierarchy = 0;
};

Controller controller_row(std::string_view name) {
  std::ifstream file("/proc/cgroups");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string id;
    Controller row{.known = true};
    int count = 0;
    if (fields >> id >> row.hierarchy >> count >> row.enabled && id == name) {
      return row;
    }
  }
  return {};
}

}  // namespace

std::string kernel_remedy(std::string_view module, std::string_view config) {
  const std::string build = "boot a kernel built with " + std::string(config);
  if (module.empty() || ::access("/proc/modules", F_OK) != 0) {  // or it loads none at all
    return build;
  }
  const std::string directory = modules_directory();
  const std::string name(module);
  if (names_module(directory + "/modules.dep", module)) {
    return "modprobe " + name;
  }
  if (::access(directory.c_str(), F_OK) != 0) {
    return "install this kernel's modules, of which there is no " + directory +
           " (in a container: 'modprobe " + name + "' on its host), or " + build;
  }
  return build + ": this one has no module " + name + " (Debian's 'cloud' kernels have few)";
}

std::string namespace_remedy(std::string_view kind, int os_error) {
  if (os_error == EPERM && kind == "user" && leaves_a_chroot()) {
    return "leave the chroot: the kernel makes no user namespace in one";
  }
  if (os_error == EPERM || os_error == EACCES) {
    return std::string(kPrivileged);
  }
  return "boot a kernel built with CONFIG_" + upper(kind) + "_NS";
}

std::string unprivileged_userns_remedy() {
  struct Switch {
    std::string_view key;
    std::string_view denies;
    std::string_view allows;
  };

  constexpr std::array kSwitches{
      Switch{"user.max_user_namespaces", "0", "10000"},
      Switch{"kernel.unprivileged_userns_clone", "0", "1"},
      Switch{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"},
  };
  for (const Switch& each : kSwitches) {
    std::string path = "/proc/sys/" + std::string(each.key);
    std::ranges::replace(path, '.', '/');
    if (first_word(path) == each.denies) {
      return "sysctl -w " + std::string(each.key) + "=" + std::string(each.allows);
    }
  }
  return "boot a kernel built with CONFIG_USER_NS; " + std::string(kPrivileged);
}

std::string controller_remedy(std::string_view controller) {
  const std::string name(controller);
  const Controller row = controller_row(name == "cpu" ? "cpu" : controller);
  if (!row.known) {
    return "boot a kernel that is built with it, or give --without-limits";
  }
  if (!row.enabled) {
    return "boot without cgroup_disable=" + name +
           " on the kernel's command line, with cgroup_enable=" + name +
           " where that is its default, or give --without-limits";
  }
  const std::string place = "/sys/fs/cgroup/" + name;
  if (row.hierarchy != 0) {
    return "mkdir -p " + place + " && mount -t cgroup -o " + name + " none " + place;
  }
  return "give the cgroup that nslab runs in the controller: echo +" + name +
         " into the cgroup.subtree_control of those above it; or give --without-limits";
}

std::string tun_remedy(int os_error) {
  if (os_error == ENOENT) {
    return "mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200";
  }
  if (os_error == EPERM || os_error == EACCES) {
    return "in a container: have /dev/net/tun given to it, as 'docker run --device /dev/net/tun' "
           "does";
  }
  return kernel_remedy("tun", "CONFIG_TUN");
}

std::string ipv6_remedy() {
  return first_word("/sys/module/ipv6/parameters/disable") == "1"
             ? "boot without ipv6.disable=1 on the kernel's command line"
             : kernel_remedy("ipv6", "CONFIG_IPV6");
}

}  // namespace nslab::probe
