// The processes that /proc shows.
#pragma once

#include <sys/types.h>

#include <memory>

#include "base/fd.h"

namespace nslab::init {

struct ProcessInfo {
  char state = 0;  // as in proc(5); 0: it is gone
  pid_t parent = 0;
  pid_t session = 0;

  [[nodiscard]] bool lives() const { return state != 0 && state != 'Z' && state != 'X'; }
};

ProcessInfo info_of(pid_t pid);

// A walk through all. None are seen where /proc numbers them otherwise than this process
// does: what it told would be about others.
class Processes {
 public:
  Processes() : Processes("/proc") {}

  // Of the numbers that a directory has for names, such as /proc/PID/fd.
  explicit Processes(const char* directory);

  // The next number; -1 at the end.
  int next();

 private:
  UniqueFd directory_;
  std::unique_ptr<char[]> block_;
  long size_ = 0;
  long at_ = 0;
};

}  // namespace nslab::init
