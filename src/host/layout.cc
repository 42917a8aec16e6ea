#include "host/layout.h"

#include <algorithm>
#include <cstdlib>

#include "resource/spec.h"

namespace nslab::host {

std::string Layout::public_name(std::string_view netns) const {
  return netns == resource::kSwitch ? lab_ : lab_ + "." + std::string(netns);
}

std::string file_name(const SavedSysctl& saved) {
  std::string name = saved.node + ":" + saved.key;
  std::ranges::replace(name, '/', '%');
  return name;
}

SavedSysctl to_saved_sysctl(std::string_view file_name) {
  const std::size_t colon = std::min(file_name.find(':'), file_name.size());
  SavedSysctl saved{.node = std::string(file_name.substr(0, colon)),
                    .key = std::string(file_name.substr(std::min(colon + 1, file_name.size())))};
  std::ranges::replace(saved.key, '%', '/');
  return saved;
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
