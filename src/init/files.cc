#include "init/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <memory>

#include "base/fd.h"
#include "init/path.h"
#include "init/text.h"

namespace nslab::init {
namespace {

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool is_regular(const UniqueFd& file) {
  struct stat info {};

  return ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode);
}

UniqueFd open_for_writing(const Place& place) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const auto open = [&] {
    return UniqueFd(::openat(place.directory.get(), place.name, kFlags, 0600));
  };
  UniqueFd file = open();
  // A link, a pipe that nobody reads, or anything else that is no file gives way.
  const bool in_the_way = file.valid() ? !is_regular(file) : errno == ELOOP || errno == ENXIO;
  if (in_the_way && ::unlinkat(place.directory.get(), place.name, 0) == 0) {
    file = open();
  }
  return file;
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

}  // namespace

Failure write_file(const char* path, std::string_view content, mode_t mode) {
  Place place;
  INIT_TRY(find_place(path, Missing::make, place));
  const UniqueFd file = open_for_writing(place);
  if (!file.valid() || ::ftruncate(file.get(), 0) != 0 || !write_all(file.get(), content) ||
      ::fchmod(file.get(), mode) != 0) {
    return failed("writing", path);
  }
  return kSuccess;
}

Failure remove_file(const char* path) {
  Place place;
  if (const Failure failure = find_place(path, Missing::fail, place)) {
    return failure.error == ENOENT || failure.error == ENOTDIR ? kSuccess : failure;
  }
  return ::unlinkat(place.directory.get(), place.name, 0) != 0 && errno != ENOENT
             ? failed("removing", path)
             : kSuccess;
}

void describe_file(const char* path, Writer& writer) {
  Place place;
  if (find_place(path, Missing::fail, place)) {
    return;
  }
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const UniqueFd file(::openat(place.directory.get(), place.name, kFlags));

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
  if (fitting < size) {
    writer.add("cut", 1);
  }
}

Failure set_hostname(std::string_view name, bool in_file) {
  if (::sethostname(name.data(), name.size()) != 0) {
    return failed("setting the hostname");
  }
  if (!in_file) {
    return kSuccess;
  }
  Text<HOST_NAME_MAX + 2> line;
  line << name << "\n";
  return write_file("/etc/hostname", line.view(), 0644);
}

}  // namespace nslab::init
