// Mounts that a lab file asks for, made from inside the node.
#pragma once

#include "init/failure.h"
#include "init/host_parts.h"
#include "init/packet.h"

namespace nslab::init {

// Of a `mount` request. `memory` receives what the others here need. Where the place is
// not there, it is made, but for what is the host's.
Failure make_mount(const Packet& request, const HostParts& host, Writer& memory);

// Adds the fields of a `mount` packet of `status`.
void describe_mount(const Packet& memory, Writer& writer);

// Takes it away, with what was mounted over it; nothing when it is gone.
Failure remove_mount(const Packet& memory);

}  // namespace nslab::init
