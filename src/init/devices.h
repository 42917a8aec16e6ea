// The device nodes and links in a node's /dev.
#pragma once

#include <sys/types.h>

#include "init/failure.h"

namespace nslab::init {

// Fills the empty /dev, and makes the places where more is mounted. `owner` owns
// what is made. Where nodes cannot be made, those in the directory `host_devices`
// are mounted instead.
Failure make_devices(int host_devices, uid_t owner);

}  // namespace nslab::init
