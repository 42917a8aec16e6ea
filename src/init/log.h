// The bounded log of a service: what it prints goes through a pipe into a file.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "base/fd.h"

namespace nslab::init {

class Log {
 public:
  // Goes on at the end of the file.
  explicit Log(UniqueFd file);

  // Where a service writes; nothing (/dev/null) when there is no log.
  [[nodiscard]] int input() const;

  // Readable when there is something to copy; -1 without a log.
  [[nodiscard]] int output() const { return output_.get(); }

  // Copies what the pipe holds.
  void copy();

  // A line of the init's own.
  void note(std::string_view line);

 private:
  void append(std::string_view text);
  void shrink();

  UniqueFd file_;
  UniqueFd input_;
  UniqueFd output_;
  off_t size_ = 0;
};

}  // namespace nslab::init
