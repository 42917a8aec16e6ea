// Descriptors to wait for, gathered anew for each wait.
#pragma once

#include <poll.h>

#include <memory>

#include "init/clock.h"

namespace nslab::init {

class PollSet {
 public:
  void clear() { size_ = 0; }

  // `result` receives what happened, 0 when nothing did. It must outlive wait().
  void add(int fd, short events, short& result);

  // Waits for one of them, or until that time.
  void wait(Millis until);

 private:
  void grow();

  std::unique_ptr<pollfd[]> polls_;
  std::unique_ptr<short*[]> results_;
  nfds_t size_ = 0;
  nfds_t capacity_ = 0;
};

}  // namespace nslab::init
