// Walking to a file of the node's, whatever the node has made of the way there.
#pragma once

#include "base/fd.h"
#include "init/failure.h"
#include "init/host_parts.h"

namespace nslab::init {

// A name in a directory that is held open: what is then done there happens there,
// also when the node puts something else in the path's way meanwhile.
struct Place {
  UniqueFd directory;
  const char* name = "";  // within the path
};

// Symbolic links in the way are the node's own and followed, inside its root. The
// links of /proc, which lead to whatever a process has open, are not: here the
// process is the init. The path is absolute.
Failure find_place(const char* path, Place& place);

// The same, with the directories made that are not there; in the host's own parts of the
// tree that is a failure.
Failure make_place(const char* path, const HostParts& host, Place& place);

// What is at the place, not followed; invalid without anything.
UniqueFd look(const Place& place);

// Takes the topmost mount off the place.
bool unmount_at(const Place& place);

// Removes whatever is there, with all that is in it. Mounts are taken off; one that the
// lab file asked for is a failure, EBUSY.
bool clear(const Place& place, const HostParts& host);

}  // namespace nslab::init
