#include "base/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/text.h"

namespace nslab {

namespace {

using Wanted = bool (*)(int directory, const dirent& entry);

Result<std::vector<std::string>> read(const std::string& directory, Wanted wanted) {
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
    if (name != "." && name != ".." && wanted(::dirfd(stream.get()), *entry)) {
      names.emplace_back(name);
    }
  }
  if (errno != 0) {
    return kernel_error("reading directory " + quote(directory), errno);
  }
  std::ranges::sort(names);
  return names;
}

// Not every file system tells: readdir(3).
bool is_directory(int directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) {
    return entry.d_type == DT_DIR;
  }

  struct stat info {};

  return ::fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(info.st_mode);
}

}  // namespace

Result<std::vector<std::string>> names_in(const std::string& directory) {
  return read(directory, [](int, const dirent&) { return true; });
}

Result<std::vector<std::string>> directories_in(const std::string& directory) {
  return read(directory, is_directory);
}

Result<void> remove_if_empty(const std::string& path) {
  if (::rmdir(path.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT &&
      errno != EBUSY) {
    return kernel_error("removing " + quote(path), errno);
  }
  return {};
}

}  // namespace nslab
