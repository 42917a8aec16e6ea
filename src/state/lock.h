// One command at a time changes a lab. The lock is flock(2): the kernel frees it
// when its holder ends, however it ends.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace nslab::state {

class LabLock {
 public:
  // Takes the lock of `lab`, or fails with a conflict that names its holder.
  // `purpose` is what the holder is doing ("up"), for that message. With `wait`
  // it blocks until the holder is done; a signal interrupts the wait.
  static Result<LabLock> take(const std::string& state_dir,
                              const std::string& lab,
                              const std::string& purpose,
                              bool wait);

  LabLock(LabLock&&) = default;
  LabLock& operator=(LabLock&&) = default;
  LabLock(const LabLock&) = delete;
  LabLock& operator=(const LabLock&) = delete;
  ~LabLock();

  // Lets go, and removes what the lock is made of. After an error that stays on the
  // host, and nobody holds it. The destructor does the same, and cannot tell.
  Result<void> release();

 private:
  LabLock(UniqueFd file, std::string path, std::string directory)
      : file_(std::move(file)), path_(std::move(path)), directory_(std::move(directory)) {}

  UniqueFd file_;
  std::string path_;
  std::string directory_;
};

}  // namespace nslab::state
