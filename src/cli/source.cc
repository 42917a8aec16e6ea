#include "cli/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"

namespace nslab::cli {
namespace {

namespace fs = std::filesystem;

// Of a lab file: a hundred times that of the largest lab. /dev/zero has no end.
constexpr std::size_t kMostText = std::size_t{64} << 20;

Error unreadable(const std::string& shown, int os_error) {
  Error error = kernel_error("reading " + shown, os_error);
  error.kind = ErrorKind::usage;
  return error;
}

Result<std::string> read_to_end(int fd, const std::string& shown) {
  std::string text;
  std::array<char, std::size_t{64} << 10> part{};
  for (;;) {
    const ssize_t size = ::read(fd, part.data(), part.size());
    if (size < 0 && errno != EINTR) {
      return unreadable(shown, errno);
    }
    if (size == 0) {
      return text;
    }
    text.append(part.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    if (text.size() > kMostText) {
      return Error{.kind = ErrorKind::usage,
                   .message = "reading " + shown + ": it has more than 64 MiB",
                   .hint = "give the path of a lab file"};
    }
  }
}

// The directory that relative paths begin at; empty where it has none, being deleted.
std::string current_directory() {
  std::error_code failed;
  return fs::current_path(failed).string();
}

// Who is at work, also behind sudo(8).
std::uint32_t current_user() {
  const char* behind = std::getenv("SUDO_UID");
  std::uint32_t user = ::getuid();
  if (user == 0 && behind != nullptr) {
    const std::string_view text(behind);
    (void)std::from_chars(text.data(), text.data() + text.size(), user);
  }
  return user;
}

// The path that the kernel knows an open file by; nothing for one that has none any more.
std::optional<std::string> path_of(int fd, const struct stat& info) {
  std::array<char, PATH_MAX> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (info.st_nlink == 0 || length <= 0 || target.front() != '/') {
    return std::nullopt;
  }
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Source from_stream(std::string shown, std::string text) {
  return {.lab = {.file = "-",
                  .directory = current_directory(),
                  .owner = current_user(),
                  .text = std::move(text)},
          .shown = std::move(shown),
          .default_name = "lab"};
}

std::optional<std::string> text_of(const std::string& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) {
    return std::nullopt;
  }
  auto read = read_source(path);
  return read ? std::optional(std::move(read->lab.text)) : std::nullopt;
}

bool is_same_inode(const std::string& left, const std::string& right) {
  std::error_code failed;
  return fs::equivalent(left, right, failed);
}

}  // namespace

Result<Source> read_source(const std::string& target) {
  if (target == "-") {
    NSLAB_ASSIGN(text, read_to_end(STDIN_FILENO, "standard input"));
    return from_stream("<stdin>", std::move(text));
  }
  const UniqueFd file(::open(target.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC));
  if (!file.valid() && (errno == ENOENT || errno == ENOTDIR)) {
    return Error{.kind = ErrorKind::not_found, .message = "there is no file " + quote(target)};
  }

  struct stat info {};

  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return unreadable(quote(target), errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return Error{.kind = ErrorKind::usage,
                 .message = "reading " + quote(target) + ": it is a directory",
                 .hint = "give the path of a lab file"};
  }
  NSLAB_ASSIGN(text, read_to_end(file.get(), quote(target)));
  const auto known = S_ISREG(info.st_mode) ? path_of(file.get(), info) : std::nullopt;
  if (!known) {
    return from_stream(target, std::move(text));
  }
  const fs::path path(*known);
  return Source{.lab = {.file = path.string(),
                        .directory = path.parent_path().string(),
                        .owner = info.st_uid,
                        .text = std::move(text)},
                .shown = target,
                .default_name = path.stem().string()};
}

std::string canonical_path(const std::string& target) {
  std::error_code failed;
  const fs::path path = fs::weakly_canonical(target, failed);
  return failed ? target : path.string();
}

bool is_same_file(const state::LabSource& before, const state::LabSource& now) {
  if (before.text == now.text) {
    return true;
  }
  if (before.file == "-") {
    return before.owner == now.owner;
  }
  if (before.file == now.file || is_same_inode(before.file, now.file)) {
    return true;
  }
  std::error_code failed;
  if (!fs::exists(before.file, failed)) {
    return !failed && before.owner == now.owner;  // moved, and edited since
  }
  return text_of(before.file) == now.text;
}

}  // namespace nslab::cli
