#include "init/files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "base/fd.h"
#include "base/write.h"
#include "init/path.h"
#include "init/text.h"
#include "init/user.h"

namespace nslab::init {
namespace {

bool is_regular(const UniqueFd& file) {
  struct stat info {};

  return ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode);
}

// Directly below /.
bool is_at_top(const Place& place) {
  struct stat top {};

  struct stat above {};

  return ::stat("/", &top) == 0 && ::fstat(place.directory.get(), &above) == 0 &&
         top.st_dev == above.st_dev && top.st_ino == above.st_ino;
}

constexpr int kQuietly = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// Opens the file at a place of the node's own. What else is there gives way.
UniqueFd open_for_writing(const Place& place, const HostParts& host) {
  const UniqueFd there = look(place);
  if (there.valid() && is_regular(there)) {
    return UniqueFd(::openat(place.directory.get(), place.name, O_WRONLY | kQuietly));
  }
  if (there.valid() && is_at_top(place)) {
    errno = EISDIR;  // what a machine is made of stays: nobody put /usr in the way
    return UniqueFd();
  }
  if (there.valid() && !clear(place, host)) {
    return UniqueFd();
  }
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | kQuietly;
  return UniqueFd(::openat(place.directory.get(), place.name, kNew, 0600));
}

// Whom the request gives what it makes to.
Failure find_owner(const Packet& request, Owner& owner) {
  const std::string_view text = request.get("owner");
  owner = {.given = !text.empty()};
  if (!owner.given) {
    return kSuccess;
  }
  User user;
  if (find_user(text, user)) {
    return {.what = "the node has no user or group such as", .on = text};
  }
  owner.uid = user.uid;
  owner.gid = user.gid;
  return kSuccess;
}

// Adds whether it is still its owner's.
void describe_owner(const Packet& memory, const struct stat& info, Writer& writer) {
  const Reader& fields = memory.fields();
  const bool owned = !fields.has("uid") ||
                     (fields.number("uid") == info.st_uid && fields.number("gid") == info.st_gid);
  writer.add("owned", owned ? 1 : 0);
}

// Up to `size` bytes from the start of the file.
std::size_t read_up_to(int fd, char* bytes, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t length = ::read(fd, bytes + done, size - done);
    if (length <= 0) {
      break;
    }
    done += static_cast<std::size_t>(length);
  }
  return done;
}

// What is mounted at a place that is a file of the lab's is taken off.
Failure uncover(const Place& place, const HostParts& host, const char* path) {
  for (UniqueFd there = look(place); there.valid() && mount_of(there) != mount_of(place.directory);
       there = look(place)) {
    if (host.asked_for(mount_of(there))) {
      return {.what = "the lab file mounts something at", .on = path};
    }
    if (!unmount_at(place)) {
      return failed("unmounting", path);
    }
  }
  return kSuccess;
}

// Mounts an empty file of the node's own over the host's. It has no name elsewhere.
Failure cover_with_file(const Place& place, const char* path, std::uint64_t& cover) {
  const UniqueFd there = look(place);
  if (!there.valid() || !is_regular(there)) {
    return {
        .what = "nslab makes no file in what is mounted from the host, and the host has none at",
        .on = path};
  }
  // The kernel mounts nothing that has no name at that time.
  constexpr const char* kName = "/run/.nslab-cover";
  (void)::unlink(kName);
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd file(::open(kName, kNew, 0600));
  const UniqueFd tree(
      ::open_tree(file.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  constexpr unsigned kByDescriptors = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  const bool covered =
      tree.valid() && ::move_mount(tree.get(), "", there.get(), "", kByDescriptors) == 0;
  const int error = errno;
  (void)::unlink(kName);
  if (!covered) {
    return {.what = "covering the host's", .on = path, .error = error};
  }
  cover = mount_of(look(place));
  return kSuccess;
}

Failure write_at(const Place& place,
                 const HostParts& host,
                 std::string_view content,
                 const Owner& owner,
                 mode_t mode,
                 const char* path) {
  const UniqueFd file = open_for_writing(place, host);
  // The mode comes last: a new owner takes away what runs as him.
  if (!file.valid() || ::ftruncate(file.get(), 0) != 0 || write_all(file.get(), content) != 0 ||
      (owner.given && ::fchown(file.get(), owner.uid, owner.gid) != 0) ||
      ::fchmod(file.get(), mode) != 0) {
    return failed("writing", path);
  }
  return kSuccess;
}

// As the node's own, with the owner and the mode that it has on the host.
Failure copy_back(const Packet& request, const Place& place) {
  const int from = request.fd("host");
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | kQuietly;
  const UniqueFd to(::openat(place.directory.get(), place.name, kNew, 0600));
  std::array<char, 16384> block;
  for (ssize_t length = 0; to.valid();) {
    length = ::read(from, block.data(), block.size());
    if (length <= 0 || !write_all(to.get(), {block.data(), static_cast<std::size_t>(length)})) {
      break;
    }
  }
  const Reader& fields = request.fields();
  const bool owned = to.valid() && (::fchown(to.get(),
                                             static_cast<uid_t>(fields.number("uid")),
                                             static_cast<gid_t>(fields.number("gid"))) == 0);
  return owned && ::fchmod(to.get(), static_cast<mode_t>(fields.number("mode"))) == 0
             ? kSuccess
             : failed("putting back the host's", request.get("path"));
}

}  // namespace

Failure write_file(const Packet& request, const HostParts& host, Written& written) {
  const char* path = request.text("path");
  INIT_TRY(find_owner(request, written.owner));
  Place place;
  INIT_TRY(make_place(path, host, place));
  const bool covered = written.cover != 0 && mount_of(look(place)) == written.cover;
  if (!covered) {
    written.cover = 0;
    INIT_TRY(uncover(place, host, path));
    if (host.has(place.directory)) {
      INIT_TRY(cover_with_file(place, path, written.cover));
    }
  }
  Text<64> link;
  link << "/proc/self/fd/" << place.directory.get();
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  written.directory << std::string_view(target.data(),
                                        length > 0 ? static_cast<std::size_t>(length) : 0);
  const auto mode = static_cast<mode_t>(request.fields().number("mode", 0644));
  return write_at(place, host, request.get("content"), written.owner, mode, path);
}

Failure remove_file(const Packet& request, const HostParts& host, std::uint64_t cover) {
  const char* path = request.text("path");
  Place place;
  if (const Failure failure = find_place(path, place)) {
    return failure.error == ENOENT || failure.error == ENOTDIR ? kSuccess : failure;
  }
  const UniqueFd there = look(place);
  if (there.valid() && mount_of(there) != mount_of(place.directory)) {
    return mount_of(there) == cover && !unmount_at(place) ? failed("uncovering", path) : kSuccess;
  }
  if (host.has(place.directory) || (there.valid() && !is_regular(there))) {
    return kSuccess;
  }
  if (there.valid() && ::unlinkat(place.directory.get(), place.name, 0) != 0 && errno != ENOENT) {
    return failed("removing", path);
  }
  return request.fd("host") >= 0 ? copy_back(request, place) : kSuccess;
}

Failure make_directory(const Packet& request, const HostParts& host, Owner& owner, bool& made) {
  const char* path = request.text("path");
  INIT_TRY(find_owner(request, owner));
  Place place;
  INIT_TRY(make_place(path, host, place));
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const auto open = [&] { return UniqueFd(::openat(place.directory.get(), place.name, kFlags)); };
  UniqueFd directory = open();
  if (!directory.valid()) {
    if (host.has(place.directory)) {
      return {.what = "nslab makes no directory in what is mounted from the host:", .on = path};
    }
    if (!clear(place, host) || ::mkdirat(place.directory.get(), place.name, 0700) != 0) {
      return failed("making", path);
    }
    made = true;
    directory = open();
  }
  if (directory.valid() && host.has(directory)) {
    return {.what = "it would be changed on the host, where it is mounted from:", .on = path};
  }
  const auto mode = static_cast<mode_t>(request.fields().number("mode", 0755));
  return !directory.valid() ||
                 (owner.given && ::fchown(directory.get(), owner.uid, owner.gid) != 0) ||
                 ::fchmod(directory.get(), mode) != 0
             ? failed("making", path)
             : kSuccess;
}

void remove_directory(const char* path, const HostParts& host) {
  Place place;
  if (!find_place(path, place) && !host.has(place.directory)) {
    (void)::unlinkat(place.directory.get(), place.name, AT_REMOVEDIR);
  }
}

void describe_directory(const Packet& memory, Writer& writer) {
  Place place;

  struct stat info {};

  if (!find_place(memory.text("path"), place) && ::fstat(look(place).get(), &info) == 0 &&
      S_ISDIR(info.st_mode)) {
    writer.add("mode", info.st_mode & 07777);
    describe_owner(memory, info, writer);
  }
}

void describe_file(const Packet& memory, Writer& writer) {
  Place place;
  if (find_place(memory.text("path"), place)) {
    return;
  }
  const UniqueFd file(::openat(place.directory.get(), place.name, O_RDONLY | kQuietly));

  struct stat info {};

  if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return;
  }
  const std::unique_ptr<char[]> bytes(new char[kMaxContent + 1]);
  const std::size_t size = read_up_to(file.get(), bytes.get(), kMaxContent + 1);
  const std::size_t nul = std::string_view(bytes.get(), size).find('\0');
  const std::size_t shown = nul < size ? nul : size;
  const std::size_t fitting = shown < kMaxContent ? shown : kMaxContent;
  writer.add("content", std::string_view(bytes.get(), fitting)).add("mode", info.st_mode & 07777);
  describe_owner(memory, info, writer);
  if (fitting < size) {
    writer.add("cut", 1);
  }
}

Failure set_hostname(std::string_view name) {
  return ::sethostname(name.data(), name.size()) != 0 ? failed("setting the hostname") : kSuccess;
}

Failure write_hostname(std::string_view name, const HostParts& host) {
  constexpr const char* kFile = "/etc/hostname";
  Place place;
  INIT_TRY(make_place(kFile, host, place));
  if (host.has(place.directory) || mount_of(look(place)) != mount_of(place.directory)) {
    return kSuccess;  // the lab file says what is there
  }
  Text<HOST_NAME_MAX + 2> line;
  line << name << "\n";
  return write_at(place, host, line.view(), {}, 0644, kFile);
}

}  // namespace nslab::init
