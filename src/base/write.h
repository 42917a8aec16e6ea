// Files written to their end. Headers alone: the program in a node has no other part of this
// module.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace nslab {

// 0, or an errno with an unknown part written.
inline int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return errno;
    }
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return 0;
}

// Whoever reads `path`, also after a kill at any moment, finds the whole text or what was there
// before. By way of `fresh`, on the same file system, which no other writer may use
// meanwhile. With `durable` it is on the disk, but for the name. 0 or an errno.
inline int write_whole(const std::string& path,
                       const std::string& fresh,
                       std::string_view text,
                       bool durable = false) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const UniqueFd file(::open(fresh.c_str(), kFlags, 0600));
  int error = file.valid() ? write_all(file.get(), text) : errno;
  if (error == 0 && durable && ::fsync(file.get()) != 0) {
    error = errno;
  }
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0 && file.valid()) {
    (void)::unlink(fresh.c_str());
  }
  return error;
}

}  // namespace nslab
