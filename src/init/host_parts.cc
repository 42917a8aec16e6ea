#include "init/host_parts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

namespace nslab::init {
namespace {

// The lines of a file of any length, each cut off where no number is any more.
class Lines {
 public:
  explicit Lines(const char* path) : file_(::open(path, O_RDONLY | O_CLOEXEC)) {}

  bool next(std::string_view& line) {
    size_ = 0;
    for (char each = 0; get(each);) {
      if (each == '\n') {
        line = {line_.data(), size_};
        return true;
      }
      if (size_ < line_.size()) {
        line_[size_++] = each;
      }
    }
    return false;
  }

 private:
  bool get(char& each) {
    if (at_ == end_) {
      const ssize_t length = ::read(file_.get(), block_.data(), block_.size());
      if (length <= 0) {
        return false;
      }
      at_ = 0;
      end_ = static_cast<std::size_t>(length);
    }
    each = block_[at_++];
    return true;
  }

  UniqueFd file_;
  std::array<char, 4096> block_{};
  std::array<char, 48> line_{};
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::size_t size_ = 0;
};

std::uint64_t take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const char* end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(text.empty() ? 0 : 1);
  return number;
}

bool names(const Reader& fields, std::string_view key, std::uint64_t number) {
  for (const Field field : fields) {
    std::string_view value = field.value;
    if (field.key == key && take_number(value) == number) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::uint64_t mount_of(const UniqueFd& file) {
  struct statx info {};

  return ::statx(file.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &info) == 0 ? info.stx_mnt_id : 0;
}

bool HostParts::has(const UniqueFd& file) const {
  if (own_root_ && mounts_.empty()) {
    return false;
  }
  const std::uint64_t mount = mount_of(file);
  for (const Memory& each : mounts_) {
    const Reader& fields = each.packet.fields();
    if (names(fields, "host", mount)) {
      return true;
    }
    if (!own_root_ && names(fields, "mount", mount)) {
      return false;
    }
  }
  return !own_root_;
}

bool HostParts::asked_for(std::uint64_t mount) const {
  return mounts_.find_if([&](const Memory& each) {
    return names(each.packet.fields(), "mount", mount);
  }) != nullptr;
}

void remember_host_parts(Writer& memory, std::uint64_t top) {
  memory.add("host", static_cast<std::int64_t>(top));
  // "36 35 98:0 …": its number, and that of the mount that it is in, which comes before.
  Lines table("/proc/self/mountinfo");
  for (std::string_view line; table.next(line);) {
    const std::uint64_t mount = take_number(line);
    if (const std::uint64_t above = take_number(line);
        mount != top && names(Reader(memory.bytes()), "host", above)) {
      memory.add("host", static_cast<std::int64_t>(mount));
    }
  }
}

}  // namespace nslab::init
