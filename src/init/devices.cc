#include "init/devices.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.h"
#include "init/userns.h"

namespace nslab::init {
namespace {

struct Device {
  const char* path;
  unsigned major;
  unsigned minor;
};

// Documentation/admin-guide/devices.txt of the kernel.
constexpr std::array kDevices{
    Device{"/dev/null", 1, 3},
    Device{"/dev/zero", 1, 5},
    Device{"/dev/full", 1, 7},
    Device{"/dev/random", 1, 8},
    Device{"/dev/urandom", 1, 9},
    Device{"/dev/tty", 5, 0},
    Device{"/dev/net/tun", 10, 200},
};

struct Link {
  const char* path;
  const char* target;
};

constexpr std::array kLinks{
    Link{"/dev/ptmx", "pts/ptmx"},
    Link{"/dev/fd", "/proc/self/fd"},
    Link{"/dev/stdin", "/proc/self/fd/0"},
    Link{"/dev/stdout", "/proc/self/fd/1"},
    Link{"/dev/stderr", "/proc/self/fd/2"},
};

constexpr std::array kDirectories{"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/net"};

constexpr std::string_view kDev = "/dev/";

// A host without the device, which may be any but the memory ones, gives none.
Failure mount_device(const Device& device, int host_devices) {
  const char* name = device.path + kDev.size();
  const UniqueFd node(::open_tree(host_devices, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!node.valid()) {
    return errno == ENOENT ? kSuccess : failed("opening the host's", device.path);
  }
  const UniqueFd place(::open(device.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (!place.valid() ||
      ::move_mount(node.get(), "", AT_FDCWD, device.path, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return failed("mounting", device.path);
  }
  return kSuccess;
}

Failure make_device(const Device& device, int host_devices, uid_t owner) {
  constexpr mode_t kForAll = S_IFCHR | 0666;
  if (::mknod(device.path, kForAll, makedev(device.major, device.minor)) != 0) {
    return errno == EPERM ? mount_device(device, host_devices) : failed("making", device.path);
  }
  return give_to(owner, device.path) ? kSuccess : failed("making", device.path);
}

}  // namespace

Failure make_devices(int host_devices, uid_t owner) {
  for (const char* directory : kDirectories) {
    if (::mkdir(directory, 0755) != 0) {
      return failed("making", directory);
    }
  }
  const mode_t mask = ::umask(0);
  for (const Device& device : kDevices) {
    INIT_TRY(make_device(device, host_devices, owner));
  }
  (void)::umask(mask);
  for (const Link& link : kLinks) {
    if (::symlink(link.target, link.path) != 0) {
      return failed("making", link.path);
    }
  }
  return kSuccess;
}

}  // namespace nslab::init
