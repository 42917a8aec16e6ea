#include "init/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "init/text.h"

namespace nslab::init {
namespace {

UniqueFd open_directory(int above, const char* name) {
  open_how how{
      .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_NO_MAGICLINKS};
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, above, name, &how, sizeof how)));
}

// The directory of that name, made if it is to be and is not there.
UniqueFd step(int above, const char* name, Missing missing) {
  UniqueFd directory = open_directory(above, name);
  if (!directory.valid() && errno == ENOENT && missing == Missing::make &&
      (::mkdirat(above, name, 0755) == 0 || errno == EEXIST)) {
    directory = open_directory(above, name);
  }
  return directory;
}

}  // namespace

Failure find_place(const char* path, Missing missing, Place& place) {
  std::string_view rest = path;
  place.directory = open_directory(AT_FDCWD, "/");
  place.name = path;
  while (place.directory.valid()) {
    rest.remove_prefix(rest.find_first_not_of('/') < rest.size() ? rest.find_first_not_of('/') : 0);
    place.name = rest.data();
    const std::size_t slash = rest.find('/');
    if (slash >= rest.size()) {
      return kSuccess;
    }
    Text<NAME_MAX + 1> name;
    name << rest.substr(0, slash);
    if (!name.whole()) {
      return {.what = "walking to", .on = path, .error = ENAMETOOLONG};
    }
    place.directory = step(place.directory.get(), name.c_str(), missing);
    rest.remove_prefix(slash);
  }
  return failed("walking to", path);
}

}  // namespace nslab::init
