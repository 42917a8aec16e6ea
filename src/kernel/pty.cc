#include "kernel/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nslab::kernel {

Result<Pty> open_pty() {
  constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  Pty pty{.master = UniqueFd(::open("/dev/ptmx", kFlags))};
  const int unlocked = 0;
  if (!pty.master.valid() || ::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked) < 0) {
    return kernel_error("opening a terminal of the node's own", errno);
  }
  // By the master and not by its name, which may mean another mount of devpts.
  pty.slave.reset(::ioctl(pty.master.get(), TIOCGPTPEER, kFlags));
  if (!pty.slave.valid()) {
    return kernel_error("opening a terminal of the node's own", errno);
  }
  return pty;
}

Result<RawTerminal> RawTerminal::enter(int fd) {
  termios saved{};
  if (::tcgetattr(fd, &saved) < 0) {
    return kernel_error("reading the terminal's settings", errno);
  }
  termios raw = saved;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd, TCSADRAIN, &raw) < 0) {
    return kernel_error("changing the terminal's settings", errno);
  }
  return RawTerminal(fd, saved);
}

RawTerminal::~RawTerminal() {
  if (fd_ >= 0) {
    (void)::tcsetattr(fd_, TCSADRAIN, &saved_);
  }
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), saved_(other.saved_) {}

bool is_same_terminal(int fd, int other) {
  unsigned device = 0;
  unsigned other_device = 0;
  return ::ioctl(fd, TIOCGDEV, &device) == 0 && ::ioctl(other, TIOCGDEV, &other_device) == 0 &&
         device == other_device;
}

void copy_terminal(int from, int to) {
  termios settings{};
  if (::tcgetattr(from, &settings) == 0) {
    (void)::tcsetattr(to, TCSANOW, &settings);
  }
  copy_window_size(from, to);
}

void copy_window_size(int from, int to) {
  winsize size{};
  if (::ioctl(from, TIOCGWINSZ, &size) == 0) {
    (void)::ioctl(to, TIOCSWINSZ, &size);
  }
}

}  // namespace nslab::kernel
