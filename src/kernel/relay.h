// What stands between the user and a command that runs elsewhere: signals go to
// it, and where it has a pseudo terminal, so do the keys and back comes its
// output. Internal to enter.cc.
#pragma once

#include <csignal>

#include "base/fd.h"
#include "base/result.h"

namespace nslab::kernel {

// Blocks the signals that are passed on, and receives them instead. As it was
// afterwards.
class [[nodiscard]] CaughtSignals {
 public:
  static Result<CaughtSignals> begin();

  ~CaughtSignals();
  CaughtSignals(CaughtSignals&& other) noexcept = default;
  CaughtSignals& operator=(CaughtSignals&&) = delete;
  CaughtSignals(const CaughtSignals&) = delete;
  CaughtSignals& operator=(const CaughtSignals&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  CaughtSignals(UniqueFd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}

  UniqueFd fd_;
  sigset_t before_;
};

// Passes signals to the process until it has ended.
Result<void> relay_signals(int pidfd, const CaughtSignals& signals);

// The same, and copies stdin to the terminal's master and the master to stdout.
// Ends when the process has ended and its output is copied; what other processes
// still write to the terminal then is lost.
Result<void> relay_terminal(int pidfd, const CaughtSignals& signals, const UniqueFd& master);

}  // namespace nslab::kernel
