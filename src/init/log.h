// The bounded log of a service, or of a node's setup commands: what they print goes
// through a pipe into a file.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "base/fd.h"

namespace nslab::init {

class Log {
 public:
  enum class Input {
    pipe,
    none,  // all comes by note()
  };

  // Goes on at the end of the file.
  explicit Log(UniqueFd file, Input input = Input::pipe);

  // Where a service writes; nothing (/dev/null) when there is no log.
  [[nodiscard]] int input() const;

  // Readable when there is something to copy; -1 without a log.
  [[nodiscard]] int output() const { return output_.get(); }

  // Copies what the pipe holds.
  void copy();

  // A line of the init's own.
  void note(std::string_view line);

  // From here on is what marked() is about.
  void mark() { mark_ = size_; }

  // Where that begins now: the file may have lost its first part since.
  [[nodiscard]] off_t marked() const { return mark_; }

 private:
  void append(std::string_view text);
  void shrink();

  UniqueFd file_;
  UniqueFd input_;
  UniqueFd output_;
  off_t size_ = 0;
  off_t mark_ = 0;
};

}  // namespace nslab::init
