// The mounts of a node with a root of its own.
//
//   /                 overlay of the given layers; one more on each further file
//                     system of the host
//   /proc             of its PID namespace. Read-only: sys (but for sys/net), irq,
//                     bus, fs, sysrq-trigger and the like, which are the host's.
//                     What only shows the host stays: its files show more.
//   /sys              of its network namespace, read-only
//   /sys/fs/cgroup    cgroup v2 as its cgroup namespace shows it, read-only: limits
//                     are the lab file's business. Where the node's limits are on v1, a
//                     tmpfs with its hierarchies, by which programs size themselves, and
//                     v2 at unified
//   /dev              a tmpfs with what programs expect, a devpts, shm, mqueue
//   /run, /tmp        empty
//
// With root=host only /proc and /sys are mounted, and only where the node's
// namespaces differ from the host's.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "init/failure.h"
#include "init/packet.h"

namespace nslab::init {

// Once, in the spawner's own mount namespace: puts an empty file system, the stage, below
// the host's root, and leaves the former as the current directory and the latter as "/".
// A copy of that namespace gets its root by a mount over the stage.
Failure make_stage();

// In such a copy. Mounts as root of the host; `root_user` is the uid there of the node's root.
// Leaves the node's root as "/", and the current directory there.
Failure mount_root(const Packet& request, uid_t root_user);

// How many terminals may be open at a time. As root of the node.
Failure limit_terminals(std::uint64_t most);

// Mounts, as root of the node, what shows the namespaces that are its own by then,
// and the terminals, which are to be its own.
Failure mount_views(const Packet& request);

}  // namespace nslab::init
