#include "cli/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace nslab::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t received = 0;

void note(int signal) {
  if (received != 0) {
    constexpr int kSignalled = 128;  // as shells report a death by signal
    ::_exit(kSignalled + signal);
  }
  received = signal;
}

}  // namespace

void watch_interrupts() {
  struct sigaction action {};

  action.sa_handler = note;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) {
    (void)::sigaction(signal, &action, nullptr);
  }
}

bool interrupted() {
  return received != 0;
}

bool wait_readable(int fd) {
  sigset_t held;
  sigset_t before;
  ::sigemptyset(&held);
  for (const int signal : kSignals) {
    ::sigaddset(&held, signal);
  }
  ::sigprocmask(SIG_BLOCK, &held, &before);
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  while (received == 0 && ::ppoll(&waiting, 1, nullptr, &before) < 0 && errno == EINTR) {
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return received == 0;
}

}  // namespace nslab::cli
