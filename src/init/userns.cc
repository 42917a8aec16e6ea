#include "init/userns.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "base/fd.h"
#include "init/syscalls.h"

namespace nslab::init {
namespace {

// Not a descriptor's number: few are open here.
constexpr int kNoFile = 0xff;

// A file that root of the user namespace made; -1 on failure.
int file_of_root(int userns) {
  if (::setns(userns, CLONE_NEWUSER) != 0 || ::setresuid(0, 0, 0) != 0) {
    return -1;
  }
  return ::memfd_create("owner", MFD_CLOEXEC);
}

}  // namespace

// The map can be read only of a process in the namespace. But a file's owner is
// seen from here: a child makes one, in the descriptor table that it shares.
Failure find_root_of(int userns, uid_t& root_user) {
  clone_args arguments{};
  arguments.flags = CLONE_FILES;
  arguments.exit_signal = SIGCHLD;
  const pid_t child = clone3(arguments);
  if (child == 0) {
    ::_exit(file_of_root(userns) & kNoFile);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) < 0) {
    return failed("asking who is root of the user namespace");
  }
  // Of one that was killed, 0 would be taken for the answer: an input whose owner is the
  // host's root.
  if (!WIFEXITED(status) || WEXITSTATUS(status) == kNoFile) {
    return {.what = "asking who is root of the user namespace", .error = EIO};
  }
  const UniqueFd file(WEXITSTATUS(status));

  struct stat info {};

  if (::fstat(file.get(), &info) != 0) {
    return failed("asking who is root of the user namespace");
  }
  root_user = info.st_uid;
  return kSuccess;
}

bool give_to(uid_t root_user, const char* path) {
  return root_user == 0 || ::chown(path, root_user, root_user) == 0;
}

int clone_mapped(const char* path, int userns) {
  UniqueFd tree(::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree.valid()) {
    return -1;
  }
  mount_attr map{.attr_set = MOUNT_ATTR_IDMAP,
                 .attr_clr = 0,
                 .propagation = 0,
                 .userns_fd = static_cast<std::uint64_t>(userns)};
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &map, sizeof map) != 0) {
    return -1;
  }
  return tree.release();
}

}  // namespace nslab::init
