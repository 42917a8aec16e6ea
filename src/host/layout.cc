#include "host/layout.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "resource/spec.h"

namespace nslab::host {

std::string Layout::public_name(std::string_view netns) const {
  return netns == resource::kSwitch ? lab_ : lab_ + "." + std::string(netns);
}

bool Layout::is_limited(std::string_view node) const {
  return ::access(limits_file(node).c_str(), F_OK) == 0;
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

bool is_cgroup_name(std::string_view text) {
  constexpr std::size_t kMaxLength = 128;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !text.empty() && text.size() <= kMaxLength &&
         text.find_first_not_of(kAllowed) == std::string_view::npos && !text.starts_with('.') &&
         !text.starts_with("cgroup.");
}

Result<void> check_cgroup_parent() {
  const std::string name = cgroup_parent();
  if (is_cgroup_name(name)) {
    return {};
  }
  return Error{
      .kind = ErrorKind::usage,
      .message = "NSLAB_CGROUP_PARENT is " + quote(name) + ", which is no name of a cgroup",
      .hint =
          "a name has letters, digits, '-', '_' and '.', such as 'nslab'; the cgroup "
          "stands at the top of each hierarchy"};
}

Result<std::string> state_mark(const std::string& state_dir) {
  struct stat info {};

  std::string existing = state_dir;
  while (::stat(existing.c_str(), &info) != 0) {
    // Anything else is no reason to take the directory for another's.
    if (errno != ENOENT || existing.size() <= 1) {
      return kernel_error("reading " + quote(existing), errno);
    }
    existing.resize(std::max<std::size_t>(existing.rfind('/'), 1));
  }
  return std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev)) + " " +
         state_dir;
}

std::string state_dir_in(std::string_view mark) {
  return std::string(mark.substr(std::min(mark.find(' ') + 1, mark.size())));
}

}  // namespace nslab::host
