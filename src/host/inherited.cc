#include "host/inherited.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/inherited.h"

namespace nslab::host {
namespace {

struct Named {
  int resource;
  const char* what;
  const char* option;  // of the shell's ulimit
};

// Lower than usual, these keep programs from working.
constexpr std::array kNamed{Named{RLIMIT_NOFILE, "open files", "-n"},
                            Named{RLIMIT_STACK, "the stack", "-s"},
                            Named{RLIMIT_CPU, "time of the processor", "-t"},
                            Named{RLIMIT_FSIZE, "the size of files", "-f"},
                            Named{RLIMIT_DATA, "memory for data", "-d"},
                            Named{RLIMIT_AS, "virtual memory", "-v"}};

bool may_raise_limits() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  return ::syscall(SYS_capget, &header, sets.data()) == 0 &&
         (sets[0].effective >> CAP_SYS_RESOURCE & 1U) != 0;
}

rlim_t usual(int resource) {
  for (const ProcessLimit& limit : kProcessLimits) {
    if (limit.resource == resource) {
      return limit.soft;
    }
  }
  return 0;
}

}  // namespace

std::vector<Error> not_lifted() {
  std::vector<Error> warnings;
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
    warnings.push_back({.kind = ErrorKind::missing,
                        .message =
                            "nslab was started with no_new_privs, which nothing can take back: "
                            "sudo, su and other set-user-ID programs will not work in the nodes",
                        .hint = "start it without, such as from a shell of root's or a unit with "
                                "NoNewPrivileges=no"});
  }
  if (may_raise_limits()) {
    return warnings;
  }
  for (const Named& each : kNamed) {
    rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource>(each.resource), &limit) == 0 &&
        limit.rlim_max < usual(each.resource)) {
      warnings.push_back(
          {.kind = ErrorKind::missing,
           .message = std::string("nodes get the low limit on ") + each.what + " (" +
                      std::to_string(limit.rlim_max) +
                      ") that nslab was started with: it may not raise it",
           .hint = "give nslab CAP_SYS_RESOURCE, or start it with a higher 'ulimit -H" +
                   std::string(each.option + 1) + "'"});
    }
  }
  return warnings;
}

}  // namespace nslab::host
