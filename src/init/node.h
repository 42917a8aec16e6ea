// The steps from a child of the spawner to the init of a node:
//
//   1 enter its cgroups (v2: the clone does it), so that all it makes is charged
//     to the node and its cgroup namespace has the right root
//   2 join the namespaces that others have made
//   3 mount its root, as root of the host, and change to it
//   4 with a user namespace: join it, become its root, and make the remaining
//     namespaces anew, so that they belong to it
//   5 make the cgroup namespace, and mount what belongs to the namespaces of 4
//   6 drop what a node must not have: capabilities, descriptors
//   7 listen, report, and supervise
#pragma once

#include <array>
#include <cstdint>

#include "init/failure.h"
#include "init/packet.h"

namespace nslab::init {

// What a node's process tells the spawner, once.
struct Report {
  int error = 0;
  std::array<char, 256> what{};  // empty: the node is ready

  static Report of(const Failure& failure);

  [[nodiscard]] Failure failure() const { return {.what = what.data(), .error = error}; }
};

// What the clone of a node's process makes anew. Cgroup namespaces have to wait
// for step 1, time namespaces are the spawner's business, and those that a user
// namespace owns follow in step 4.
std::uint64_t clone_flags(const Packet& request);

// Never returns: reports through `report`, and is the init of the node. The mount
// namespace `host_mounts` is that of a node which shares the host's.
[[noreturn]] void become_node(const Packet& request, int host_mounts, int report);

}  // namespace nslab::init
