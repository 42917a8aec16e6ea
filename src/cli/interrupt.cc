#include "cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.h"

namespace nslab::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t received = 0;
volatile sig_atomic_t wake = -1;  // an eventfd(2)

void note(int signal) {
  if (received != 0) {
    constexpr int kSignalled = 128;  // as shells report a death by signal
    ::_exit(kSignalled + signal);
  }
  received = signal;
  const int error = errno;
  (void)::eventfd_write(wake, 1);
  errno = error;
}

}  // namespace

void watch_interrupts() {
  // Not as a standard stream that the caller has closed: what is printed would wake us.
  const UniqueFd any(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  wake = ::fcntl(any.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

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

int interrupt_fd() {
  return wake;
}

bool wait_readable(int fd) {
  std::array<pollfd, 2> waiting{
      {{.fd = fd, .events = POLLIN, .revents = 0}, {.fd = wake, .events = POLLIN, .revents = 0}}};
  while (received == 0 && ::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
  }
  return received == 0;
}

}  // namespace nslab::cli
