#include "init/user.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>

#include "base/fd.h"

namespace nslab::init {
namespace {

constexpr std::size_t kLongestLine = 16'384;

// The lines of a file. What of one is longer is left out.
class Lines {
 public:
  explicit Lines(const char* path)
      : file_(::open(path, O_RDONLY | O_CLOEXEC)), block_(new char[kLongestLine]) {}

  bool next(std::string_view& line) {
    std::size_t end = rest().find('\n');
    if (end == std::string_view::npos) {
      std::move(block_.get() + at_, block_.get() + size_, block_.get());
      size_ -= at_;
      at_ = 0;
      fill();
      end = std::min(rest().find('\n'), size_);
    }
    line = {block_.get() + at_, end};
    at_ = std::min(at_ + end + 1, size_);
    return !line.empty() || at_ < size_;
  }

 private:
  [[nodiscard]] std::string_view rest() const { return {block_.get() + at_, size_ - at_}; }

  void fill() {
    ssize_t length = 1;
    while (file_.valid() && size_ < kLongestLine && length > 0) {
      length = ::read(file_.get(), block_.get() + size_, kLongestLine - size_);
      size_ += length > 0 ? static_cast<std::size_t>(length) : 0;
    }
  }

  UniqueFd file_;
  std::unique_ptr<char[]> block_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
};

// The field of that number of a line such as "name:x:0:0".
std::string_view field(std::string_view line, unsigned number) {
  for (; number > 0; --number) {
    const std::size_t end = line.find(':');
    if (end == std::string_view::npos) {
      return {};
    }
    line.remove_prefix(end + 1);
  }
  return {line.data(), std::min(line.find(':'), line.size())};
}

// One that is too large is none, and not 0; the largest is nobody's: chown(2) means by it to
// leave the owner as it is.
bool to_number(std::string_view text, std::uint32_t& number) {
  const char* end = text.data() + text.size();
  std::uint32_t found = 0;
  const auto read = std::from_chars(text.data(), end, found);
  if (text.empty() || read.ptr != end || read.ec != std::errc() || found == UINT32_MAX) {
    return false;
  }
  number = found;
  return true;
}

bool lists(std::string_view members, std::string_view name) {
  while (!members.empty()) {
    const std::size_t end = std::min(members.find(','), members.size());
    if (std::string_view(members.data(), end) == name) {
      return true;
    }
    members.remove_prefix(std::min(end + 1, members.size()));
  }
  return false;
}

// The line of that name, or of that number.
bool find_line(Lines& lines, std::string_view key, std::string_view& found) {
  std::uint32_t number = 0;
  const bool by_number = to_number(key, number);
  while (lines.next(found)) {
    std::uint32_t its = 0;
    if (field(found, 0) == key || (by_number && to_number(field(found, 2), its) && its == number)) {
      return true;
    }
  }
  return false;
}

Failure find_group(std::string_view key, gid_t& gid) {
  Lines lines("/etc/group");
  std::string_view line;
  if (to_number(key, gid) || (find_line(lines, key, line) && to_number(field(line, 2), gid))) {
    return kSuccess;
  }
  return {.what = "cannot be started: the node's /etc/group has no group", .on = key};
}

void find_groups(User& user) {
  user.groups[user.group_count++] = user.gid;
  Lines lines("/etc/group");
  for (std::string_view line; lines.next(line) && user.group_count < user.groups.size();) {
    gid_t gid = 0;
    if (lists(field(line, 3), user.name.view()) && to_number(field(line, 2), gid) &&
        gid != user.gid) {
      user.groups[user.group_count++] = gid;
    }
  }
}

}  // namespace

Failure find_user(std::string_view text, User& user) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view key(text.data(), colon);
  Lines lines("/etc/passwd");
  std::string_view line;
  if (find_line(lines, key, line) && to_number(field(line, 2), user.uid) &&
      to_number(field(line, 3), user.gid)) {
    user.name << field(line, 0);
    user.home << field(line, 5);
    user.shell << field(line, 6);
  } else if (to_number(key, user.uid)) {
    user.gid = user.uid;
    user.home << "/";
  } else {
    return {.what = "cannot be started: the node's /etc/passwd has no user", .on = text};
  }
  if (colon < text.size()) {
    INIT_TRY(find_group(text.substr(colon + 1), user.gid));
  }
  find_groups(user);
  return kSuccess;
}

}  // namespace nslab::init
