// User namespaces: who their root is outside, and file systems seen through their map.
#pragma once

#include <sys/types.h>

#include "init/failure.h"

namespace nslab::init {

// The host's uid of root in the user namespace.
Failure find_root_of(int userns, uid_t& root_user);

// Gives a file to the node's root, where that is not the host's; false and errno where it
// cannot be.
bool give_to(uid_t root_user, const char* path);

// A detached copy of the mount at `path`, of that one file system, in which the
// user namespace's root owns what root owns. -1 and errno where the file system
// or the kernel cannot do that.
int clone_mapped(const char* path, int userns);

}  // namespace nslab::init
