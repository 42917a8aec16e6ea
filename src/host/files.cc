#include "host/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "base/fd.h"
#include "base/text.h"
#include "base/write.h"
#include "kernel/mount.h"
#include "resource/share.h"

namespace nslab::host {

Result<void> make_directories(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) {
    return kernel_error("creating " + quote(path), failed.value());
  }
  return {};
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    return kernel_error("creating " + quote(path), errno);
  }
  return {};
}

Result<std::uint64_t> bytes_of(std::string_view share) {
  static std::atomic<std::uint64_t> memory = 0;  // asked once, and every node has shares
  if (memory == 0) {
    struct sysinfo info {};

    if (::sysinfo(&info) != 0) {
      return kernel_error("asking how much memory this host has", errno);
    }
    memory = std::uint64_t{info.totalram} * info.mem_unit;
  }
  return resource::bytes_of_share(share, memory);
}

namespace {

Result<void> write_as(const std::string& path, std::string_view content, int how, mode_t mode) {
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | how, mode));
  if (!file.valid()) {
    return kernel_error("writing " + quote(path), errno);
  }
  const int error = write_all(file.get(), content);
  return error == 0 ? Result<void>() : kernel_error("writing " + quote(path), error);
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view content, mode_t mode) {
  return write_as(path, content, O_TRUNC, mode);
}

Result<void> append_line(const std::string& path, const std::string& line) {
  return write_as(path, line + "\n", O_APPEND, 0600);
}

Result<void> remove_mounted(const std::string& path) {
  NSLAB_TRY(kernel::unmount(path));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return kernel_error("removing " + quote(path), errno);
  }
  return {};
}

Result<void> remember(const Layout& layout, const std::string& path, std::string_view content) {
  // Beside the directories whose names tell something.
  const std::string fresh = layout.lab_dir() + "/.new-" + path.substr(path.rfind('/') + 1);
  const int error = write_whole(path, fresh, content);
  return error == 0 ? Result<void>() : kernel_error("writing " + quote(path), error);
}

Result<std::string> link_target(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length >= 0) {
    return std::string(target.data(), static_cast<std::size_t>(length));
  }
  if (errno == EINVAL || errno == ENOENT) {
    return std::string();
  }
  return kernel_error("reading where " + quote(path) + " leads", errno);
}

std::optional<std::string> read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) {
    return std::nullopt;
  }
  std::string content;
  std::array<char, 4096> block{};
  for (;;) {
    const ssize_t length = ::read(file.get(), block.data(), block.size());
    if (length < 0) {
      return std::nullopt;
    }
    if (length == 0) {
      return content;
    }
    content.append(block.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace nslab::host
