#include "cli/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace nslab::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
constexpr std::array kOthers{
    SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO, SIGPWR, SIGSTKFLT};

volatile sig_atomic_t received = 0;
volatile sig_atomic_t wake = -1;  // an eventfd(2)
timespec first{};                 // when it was received

// timeout(1) sends the signal to the process and to its group; a terminal that is closed
// sends SIGHUP more than once.
bool is_another(int signal) {
  constexpr long kSameMs = 300;
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  const long passed =
      (now.tv_sec - first.tv_sec) * 1000 + (now.tv_nsec - first.tv_nsec) / 1'000'000;
  return passed > kSameMs && (signal == SIGINT || signal == SIGTERM || signal == SIGQUIT);
}

void note(int signal) {
  const int error = errno;
  if (received != 0 && is_another(signal)) {
    constexpr int kSignalled = 128;  // as shells report a death by signal
    ::_exit(kSignalled + signal);
  }
  if (received == 0) {
    (void)::clock_gettime(CLOCK_MONOTONIC, &first);
    received = signal;
  }
  (void)::eventfd_write(wake, 1);
  errno = error;
}

void note_signal(int signal) {
  struct sigaction action {};

  action.sa_handler = note;
  ::sigemptyset(&action.sa_mask);
  (void)::sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction action {};

  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void watch_interrupts() {
  wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (const int signal : kSignals) {
    if (!is_ignored(signal)) {  // by nohup(1), or for a shell's background job
      note_signal(signal);
    }
  }
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::signal(SIGXFSZ, SIG_IGN);
}

void outlive_other_signals() {
  for (const int signal : kOthers) {
    note_signal(signal);
  }
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
    note_signal(signal);
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
