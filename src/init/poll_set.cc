#include "init/poll_set.h"

#include <algorithm>
#include <climits>
#include <utility>

namespace nslab::init {

void PollSet::grow() {
  const nfds_t capacity = capacity_ == 0 ? 16 : capacity_ * 2;
  std::unique_ptr<pollfd[]> polls(new pollfd[capacity]);
  std::unique_ptr<short*[]> results(new short*[capacity]);
  std::copy_n(polls_.get(), size_, polls.get());
  std::copy_n(results_.get(), size_, results.get());
  polls_ = std::move(polls);
  results_ = std::move(results);
  capacity_ = capacity;
}

void PollSet::add(int fd, short events, short& result) {
  result = 0;
  if (size_ == capacity_) {
    grow();
  }
  polls_[size_] = {.fd = fd, .events = events, .revents = 0};
  results_[size_] = &result;
  ++size_;
}

void PollSet::wait(Millis until) {
  const Millis left = until == kNever ? -1 : std::clamp<Millis>(until - now(), 0, INT_MAX);
  if (::poll(polls_.get(), size_, static_cast<int>(left)) < 0) {
    return;  // interrupted: the results stay 0
  }
  for (nfds_t i = 0; i < size_; ++i) {
    *results_[i] = polls_[i].revents;
  }
}

}  // namespace nslab::init
