#include "host/id_maps.h"

#include "kernel/mount.h"
#include "kernel/netns.h"

namespace nslab::host {

bool IdMaps::takes(const std::string& path) {
  if (!tried_) {
    constexpr std::uint32_t kAnyIds = 524288;
    tried_ = true;
    if (auto made = kernel::create_userns(kAnyIds, 1)) {
      userns_ = *std::move(made);
    }
  }
  const auto known = known_.find(path);
  if (known != known_.end()) {
    return known->second;
  }
  // Without a user namespace there is no node that has one.
  const bool takes = !userns_.valid() || kernel::takes_id_map(path, userns_.get());
  known_.emplace(path, takes);
  return takes;
}

}  // namespace nslab::host
