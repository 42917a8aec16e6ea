// Namespaces, of each kind, and user namespaces for who is not root.
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "kernel/netns.h"
#include "probe/attempts.h"
#include "probe/child.h"
#include "probe/remedies.h"

namespace nslab::probe {
namespace {

using kernel::Namespace;

// The files of other users' ids: nobody's, as every Linux has it.
constexpr uid_t kNobody = 65534;

int flag_of(std::string_view name) {
  for (const Namespace type : kernel::kAllNamespaces) {
    if (kernel::name_of(type) == name) {
      return static_cast<int>(type);
    }
  }
  return 0;
}

std::string first_word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

Finding none_left(std::string_view kind) {
  const std::string key = "user.max_" + std::string(kind) + "_namespaces";
  std::string path = "/proc/sys/" + key;
  path.replace(path.find("user."), 5, "user/");
  return {State::missing,
          "none left of " + key + " = " + first_word(path),
          "sysctl -w " + key + "=10000"};
}

Result<void> become_nobody() {
  if (::geteuid() != 0) {
    return {};
  }
  if (::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0) {
    return kernel_error("becoming an ordinary user", errno);
  }
  // Who changes ids loses the right to its own files in /proc.
  (void)::prctl(PR_SET_DUMPABLE, 1);
  return {};
}

}  // namespace

Finding try_namespace(const Feature& feature) {
  const std::string_view kind = part_of(feature);
  const bool user = ::geteuid() != 0;
  if (user && kind != "user") {
    if (const auto entered = enter_own_userns(); !entered) {
      return {State::unknown, to_string(entered.error()), "run it as root"};
    }
  }
  if (::unshare(flag_of(kind)) == 0) {
    return {};
  }
  if (errno == ENOSPC || errno == EUSERS) {
    return none_left(kind);
  }
  const int error = errno;
  Finding finding = finding_of(kernel_error("making one", error));
  if (finding.state == State::missing) {
    finding.remedy = namespace_remedy(kind, error);
  }
  return finding;
}

bool has_namespace_file(const Feature& feature) {
  const std::string path = "/proc/self/ns/" + std::string(part_of(feature));
  return ::access(path.c_str(), F_OK) == 0;
}

Finding try_unprivileged_userns(const Feature& /*feature*/) {
  if (const auto left = become_nobody(); !left) {
    return {State::unknown, to_string(left.error())};
  }
  if (const auto entered = enter_own_userns(); !entered) {
    return {State::missing, to_string(entered.error()), unprivileged_userns_remedy()};
  }
  // AppArmor lets a process make the namespace and then denies all that is in it.
  if (::unshare(CLONE_NEWNET) != 0 || ::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    const int error = errno;
    return {
        State::limited, to_string(kernel_error("using one", error)), unprivileged_userns_remedy()};
  }
  return {};
}

Finding read_apparmor_switch(const Feature& /*feature*/) {
  const std::string value = first_word("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  if (value.empty()) {
    return {State::present, "this kernel has no such switch"};
  }
  return value == "0" ? Finding{State::present, "off"}
                      : Finding{State::limited, "on (" + value + ")"};
}

}  // namespace nslab::probe
