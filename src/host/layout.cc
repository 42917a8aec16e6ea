#include "host/layout.h"

#include <cstdlib>

#include "resource/spec.h"

namespace nslab::host {

std::string Layout::public_name(std::string_view netns) const {
  return netns == resource::kSwitch ? lab_ : lab_ + "." + std::string(netns);
}

std::string cgroup_parent() {
  const char* named = std::getenv("NSLAB_CGROUP_PARENT");
  return named != nullptr && *named != '\0' ? named : "nslab";
}

}  // namespace nslab::host
