// What of a node's tree is the host's own: a directory that the lab file binds, or all of
// it with `root: host`. Nothing is made, written or removed there on the node's behalf.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "init/supervise.h"

namespace nslab::init {

// The number of the mount that an open file is seen through; 0 where nobody can tell.
// It is not used again soon.
std::uint64_t mount_of(const UniqueFd& file);

class HostParts {
 public:
  explicit HostParts(const Node& node)
      : own_root_(node.circumstances.own_root), mounts_(node.mounts) {}

  // Whether it lies in such a part.
  [[nodiscard]] bool has(const UniqueFd& file) const;

  // Whether the lab file asked for the mount of this number.
  [[nodiscard]] bool asked_for(std::uint64_t mount) const;

 private:
  bool own_root_;
  const List<Memory>& mounts_;
};

// Adds to the memory of a mount, as host=, the numbers of all mounts that came with it:
// the host's tree that was bound may hold more than one.
void remember_host_parts(Writer& memory, std::uint64_t top);

}  // namespace nslab::init
