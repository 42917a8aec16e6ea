#include "init/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "init/text.h"

namespace nslab::init {
namespace {

constexpr std::size_t kBlock = 2048;

// Whether "self" there is this process under its own number.
bool numbers_as_we_do() {
  std::array<char, 16> self{};
  const ssize_t length = ::readlink("/proc/self", self.data(), self.size() - 1);
  return length > 0 && std::atoi(self.data()) == ::getpid();
}

}  // namespace

Processes::Processes(const char* directory) {
  if (numbers_as_we_do()) {
    directory_.reset(::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    block_.reset(new char[kBlock]);
  }
}

int Processes::next() {
  while (directory_.valid()) {
    if (at_ >= size_) {
      size_ = ::syscall(SYS_getdents64, directory_.get(), block_.get(), kBlock);
      at_ = 0;
      if (size_ <= 0) {
        directory_.reset();
        break;
      }
    }
    const auto* entry = reinterpret_cast<const dirent64*>(block_.get() + at_);
    at_ += entry->d_reclen;
    const std::string_view name = entry->d_name;
    int number = 0;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data(), end, number).ptr == end && !name.empty()) {
      return number;
    }
  }
  return -1;
}

ProcessInfo info_of(pid_t pid) {
  Text<32> path;
  path << "/proc/" << pid << "/stat";
  std::array<char, 512> content{};
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() || ::read(file.get(), content.data(), content.size() - 1) <= 0) {
    return {};
  }
  // The name in parentheses can have any characters: "12 (a) b) S 1 12 12".
  const char* after = std::strrchr(content.data(), ')');
  if (after == nullptr || after[1] != ' ' || after[2] == '\0') {
    return {};
  }
  char* rest = nullptr;
  ProcessInfo info{.state = after[2]};
  info.parent = static_cast<pid_t>(std::strtol(after + 3, &rest, 10));
  (void)std::strtol(rest, &rest, 10);  // its group
  info.session = static_cast<pid_t>(std::strtol(rest, &rest, 10));
  return info;
}

}  // namespace nslab::init
