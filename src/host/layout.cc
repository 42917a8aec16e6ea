#include "host/layout.h"

#include <algorithm>
#include <cstdlib>

#include "resource/spec.h"

namespace nslab::host {

std::string Layout::public_name(std::string_view netns) const {
  return netns == resource::kSwitch ? lab_ : lab_ + "." + std::string(netns);
}

bool is_lab_name(std::string_view text) {
  constexpr std::size_t kMaxLength = 63;
  const auto is_small = [](char each) { return each >= 'a' && each <= 'z'; };
  return !text.empty() && text.size() <= kMaxLength && is_small(text.front()) &&
         std::ranges::all_of(text, [&](char each) {
           return is_small(each) || (each >= '0' && each <= '9') || each == '-';
         });
}

std::string cgroup_parent() {
  const char* named = std::getenv("NSLAB_CGROUP_PARENT");
  return named != nullptr && *named != '\0' ? named : "nslab";
}

}  // namespace nslab::host
