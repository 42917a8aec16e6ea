// The layers of a node's root.
#pragma once

#include <sys/types.h>

#include "init/failure.h"
#include "init/packet.h"

namespace nslab::init {

// Mounts the request's overlay over its own upper directory, and its further
// layers in that. Their files belong to the node's root, `root_user` on the host,
// as far as the kernel can map the owners of the lower file systems.
Failure mount_overlays(const Packet& request, uid_t root_user);

}  // namespace nslab::init
