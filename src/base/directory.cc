#include "base/directory.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/text.h"

namespace nslab {

Result<std::vector<std::string>> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return names;
    }
    return kernel_error("reading directory " + quote(directory), errno);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      break;
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  if (errno != 0) {
    return kernel_error("reading directory " + quote(directory), errno);
  }
  std::ranges::sort(names);
  return names;
}

Result<void> remove_if_empty(const std::string& path) {
  if (::rmdir(path.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT &&
      errno != EBUSY) {
    return kernel_error("removing " + quote(path), errno);
  }
  return {};
}

}  // namespace nslab
