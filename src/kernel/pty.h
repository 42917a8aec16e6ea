// Pseudo terminals: a command's own, and the user's while it is copied to it.
#pragma once

#include <termios.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace nslab::kernel {

struct Pty {
  UniqueFd master;
  UniqueFd slave;
};

// Opens a pair from /dev/ptmx as the calling process sees it: inside a node, the
// node's own devpts, so that tty(1) and ttyname(3) work there.
Result<Pty> open_pty();

// The user's terminal in raw mode while this lives, and as it was afterwards.
class [[nodiscard]] RawTerminal {
 public:
  static Result<RawTerminal> enter(int fd);

  ~RawTerminal();
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  RawTerminal(int fd, const termios& saved) : fd_(fd), saved_(saved) {}

  int fd_;
  termios saved_;
};

// Whether both descriptors are of one terminal, by whatever name it was opened: /dev/tty is
// the controlling terminal's too.
bool is_same_terminal(int fd, int other);

// Gives one terminal the settings and the window size of another, or the size
// alone. A failure leaves it as it was.
void copy_terminal(int from, int to);
void copy_window_size(int from, int to);

}  // namespace nslab::kernel
