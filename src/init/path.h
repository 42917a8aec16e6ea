// Walking to a file of the node's, whatever the node has made of the way there.
#pragma once

#include "base/fd.h"
#include "init/failure.h"

namespace nslab::init {

// A name in a directory that is held open: what is then done there happens there,
// also when the node puts something else in the path's way meanwhile.
struct Place {
  UniqueFd directory;
  const char* name = "";  // within the path
};

enum class Missing : bool {
  fail,
  make
};

// Symbolic links in the way are the node's own and followed, inside its root. The
// links of /proc, which lead to whatever a process has open, are not: here the
// process is the init. The path is absolute; directories that are not there are
// made, on request.
Failure find_place(const char* path, Missing missing, Place& place);

}  // namespace nslab::init
