#include "init/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <memory>

#include "base/fd.h"
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

UniqueFd open_for_writing(const char* path) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  UniqueFd file(::open(path, kFlags, 0600));
  if (!file.valid() && errno == ELOOP && ::unlink(path) == 0) {
    file.reset(::open(path, kFlags, 0600));
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

Failure make_parents(const char* path) {
  const std::string_view whole = path;
  for (std::size_t slash = whole.find('/', 1); slash != std::string_view::npos;
       slash = whole.find('/', slash + 1)) {
    Text<PATH_MAX> parent;
    parent << std::string_view(path, slash);
    if (!parent.whole() || (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST)) {
      return failed("making the directories of", path);
    }
  }
  return kSuccess;
}

Failure write_file(const char* path, std::string_view content, mode_t mode) {
  INIT_TRY(make_parents(path));
  const UniqueFd file = open_for_writing(path);
  if (!file.valid() || !write_all(file.get(), content) || ::fchmod(file.get(), mode) != 0) {
    return failed("writing", path);
  }
  return kSuccess;
}

void describe_file(const char* path, Writer& writer) {
  const UniqueFd file(::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));

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
