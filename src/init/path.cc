#include "init/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
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

// The directory of that name, made if it is not there and `host` is given.
Failure step(const UniqueFd& above, const char* name, const HostParts* host, UniqueFd& directory) {
  directory = open_directory(above.get(), name);
  if (directory.valid() || errno != ENOENT || host == nullptr) {
    return kSuccess;
  }
  if (host->has(above)) {
    return {.what =
                "nslab makes no directory in what is mounted from the host: it would need one for"};
  }
  if (::mkdirat(above.get(), name, 0755) == 0 || errno == EEXIST) {
    directory = open_directory(above.get(), name);
  }
  return kSuccess;
}

Failure walk(const char* path, const HostParts* host, Place& place) {
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
    UniqueFd next;
    if (Failure failure = step(place.directory, name.c_str(), host, next)) {
      failure.on = path;
      return failure;
    }
    place.directory = std::move(next);
    rest.remove_prefix(slash);
  }
  return failed("walking to", path);
}

// Deeper trees than anybody makes but to do harm.
constexpr int kDeepest = 200;

bool clear(int above, const char* name, const HostParts& host, int depth);

bool clear_directory(UniqueFd directory, const HostParts& host, int depth) {
  const int fd = directory.get();
  DIR* listing = ::fdopendir(fd);
  if (listing == nullptr) {
    return false;
  }
  (void)directory.release();  // the listing's
  bool cleared = true;
  for (const dirent* entry = ::readdir(listing); cleared && entry != nullptr;
       entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    cleared = name == "." || name == ".." || clear(fd, entry->d_name, host, depth + 1);
  }
  const int error = errno;
  (void)::closedir(listing);
  errno = error;
  return cleared;
}

// Without crossing into what is mounted there.
bool clear(int above, const char* name, const HostParts& host, int depth) {
  const Place place{UniqueFd(::fcntl(above, F_DUPFD_CLOEXEC, 0)), name};
  if (depth == kDeepest) {
    errno = ELOOP;
    return false;
  }
  for (UniqueFd there = look(place); there.valid() && mount_of(there) != mount_of(place.directory);
       there = look(place)) {
    if (host.asked_for(mount_of(there))) {
      errno = EBUSY;
      return false;
    }
    if (!unmount_at(place)) {
      return false;
    }
  }
  if (::unlinkat(above, name, 0) == 0 || errno == ENOENT) {
    return true;
  }
  if (errno != EISDIR) {
    return false;
  }
  open_how how{.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
               .mode = 0,
               .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
  UniqueFd directory(static_cast<int>(::syscall(SYS_openat2, above, name, &how, sizeof how)));
  return directory.valid() && clear_directory(std::move(directory), host, depth) &&
         ::unlinkat(above, name, AT_REMOVEDIR) == 0;
}

}  // namespace

Failure find_place(const char* path, Place& place) {
  return walk(path, nullptr, place);
}

Failure make_place(const char* path, const HostParts& host, Place& place) {
  return walk(path, &host, place);
}

UniqueFd look(const Place& place) {
  return UniqueFd(::openat(place.directory.get(), place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

bool unmount_at(const Place& place) {
  // From its own directory, that no link in the way is looked at again.
  const bool done = ::fchdir(place.directory.get()) == 0 &&
                    ::umount2(place.name, MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
  const int error = errno;
  (void)::chdir("/");
  errno = error;
  return done;
}

bool clear(const Place& place, const HostParts& host) {
  return clear(place.directory.get(), place.name, host, 0);
}

}  // namespace nslab::init
