#include "init/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace nslab::init {
namespace {

// At this size the older half is dropped.
constexpr off_t kMaxSize = off_t{1} << 20;

using Chunk = std::array<char, 4096>;

}  // namespace

Log::Log(UniqueFd file, Input input) : file_(std::move(file)) {
  if (!file_.valid()) {
    return;
  }
  (void)::fcntl(file_.get(), F_SETFL, 0);  // with O_APPEND, pwrite(2) appends
  size_ = ::lseek(file_.get(), 0, SEEK_END);
  std::array<int, 2> ends{-1, -1};
  if (input == Input::pipe && ::pipe2(ends.data(), O_CLOEXEC) == 0) {
    output_.reset(ends[0]);
    input_.reset(ends[1]);
    (void)::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  }
}

int Log::input() const {
  return input_.valid() ? input_.get() : STDOUT_FILENO;
}

void Log::copy() {
  // As much as a pipe holds: a service that never stops printing must not keep
  // the others from their turn.
  constexpr int kRounds = 16;
  Chunk chunk;
  for (int round = 0; round < kRounds; ++round) {
    const ssize_t length = ::read(output_.get(), chunk.data(), chunk.size());
    if (length <= 0) {
      return;
    }
    append({chunk.data(), static_cast<std::size_t>(length)});
  }
}

void Log::note(std::string_view line) {
  append(line);
}

// Text that the file has no room for is lost, as the service must not be stopped.
void Log::append(std::string_view text) {
  const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), size_);
  size_ += written > 0 ? written : 0;
  if (size_ > kMaxSize) {
    shrink();
  }
}

// In place, as others have the file open.
void Log::shrink() {
  off_t from = size_ - kMaxSize / 2;
  off_t to = 0;
  Chunk chunk;
  for (;;) {
    const ssize_t length = ::pread(file_.get(), chunk.data(), chunk.size(), from);
    if (length <= 0) {
      break;
    }
    std::string_view text(chunk.data(), static_cast<std::size_t>(length));
    if (to == 0) {
      // The log begins with a whole line.
      const std::size_t newline = text.find('\n');
      text.remove_prefix(newline < text.size() ? newline + 1 : 0);
    }
    const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), to);
    if (written < 0) {
      break;
    }
    from += length;
    to += written;
  }
  if (::ftruncate(file_.get(), to) == 0) {
    mark_ = std::max<off_t>(mark_ - (size_ - to), 0);
    size_ = to;
  }
}

}  // namespace nslab::init
