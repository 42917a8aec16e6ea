#include "init/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace nslab::init {
namespace {

// Dropped is what reaches past a node's namespaces and has no use in a lab. Kept
// is what labs are about: the network (NET_*, BPF), mounts and namespaces
// (SYS_ADMIN, SYS_CHROOT), debugging (SYS_PTRACE), users (SET*ID, CHOWN, FOWNER,
// DAC_OVERRIDE). With SYS_ADMIN, root that is the host's is no prisoner; this
// keeps a `reboot` or a `date -s` in the wrong window from doing harm.
constexpr std::array kDropped{
    CAP_SYS_MODULE,       // the kernel's code is everybody's
    CAP_SYS_BOOT,         // so are its reboot and kexec,
    CAP_SYS_TIME,         // its clock,
    CAP_WAKE_ALARM,       // its alarms,
    CAP_BLOCK_SUSPEND,    // its sleep,
    CAP_SYSLOG,           // its log,
    CAP_AUDIT_CONTROL,    // its audit rules
    CAP_AUDIT_READ,       // and trail,
    CAP_SYS_PACCT,        // its accounting,
    CAP_MAC_ADMIN,        // its security policy
    CAP_MAC_OVERRIDE,     //
    CAP_SYS_RAWIO,        // ports, /dev/mem, raw commands to disks
    CAP_SYS_TTY_CONFIG,   // the host's console
    CAP_MKNOD,            // a device node would be the way to the host's disks
    CAP_DAC_READ_SEARCH,  // so would a file handle, past every mount (DAC_OVERRIDE stays)
    CAP_LINUX_IMMUTABLE,  // an immutable file would outlive its node
};

constexpr std::size_t kWordBits = 32;

}  // namespace

Failure limit_capabilities() {
  for (const int capability : kDropped) {
    if (::prctl(PR_CAPBSET_READ, capability) == 1 && ::prctl(PR_CAPBSET_DROP, capability) != 0) {
      return failed("dropping capabilities");
    }
  }
  return kSuccess;
}

Failure drop_capabilities() {
  INIT_TRY(limit_capabilities());
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) {
    return failed("reading capabilities");
  }
  for (const int capability : kDropped) {
    const auto number = static_cast<std::size_t>(capability);
    const std::uint32_t others = ~(std::uint32_t{1} << (number % kWordBits));
    __user_cap_data_struct& set = sets[number / kWordBits];
    set.effective &= others;
    set.permitted &= others;
    set.inheritable &= others;
  }
  return ::syscall(SYS_capset, &header, sets.data()) != 0 ? failed("dropping capabilities")
                                                          : kSuccess;
}

}  // namespace nslab::init
