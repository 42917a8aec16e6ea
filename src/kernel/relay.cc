#include "kernel/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "kernel/pty.h"

namespace nslab::kernel {

namespace {

constexpr std::array kPassedOn{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

// The kernel hands output from one end of a terminal to the other in its own
// time. A terminal that the last process has left says when it is empty; one that
// is still held in the background does not.
constexpr int kLastOutputMs = 100;

// Poll's verdict on descriptors, over and over when interrupted.
int poll_all(std::span<pollfd> waiting, int timeout_ms) {
  int ready = 0;
  do {
    ready = ::poll(waiting.data(), waiting.size(), timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready;
}

// `by_terminal`: whether to pass on what the kernel sent for a key or a hang-up.
// A command that shares our terminal has had it, too.
void pass_on(const CaughtSignals& signals, int pidfd, bool by_terminal) {
  signalfd_siginfo info{};
  if (::read(signals.fd(), &info, sizeof info) == sizeof info && info.ssi_signo != SIGWINCH &&
      (by_terminal || info.ssi_code != SI_KERNEL)) {
    (void)::syscall(SYS_pidfd_send_signal, pidfd, info.ssi_signo, nullptr, 0);
  }
}

// Bytes on their way from one descriptor to another, without waiting on either.
class Flow {
 public:
  Flow(int from, int to) : from_(from), to_(to) {}

  // What there is to wait for: bytes, or room for those that came.
  [[nodiscard]] pollfd next() const {
    if (!pending_.empty()) {
      return {.fd = to_, .events = POLLOUT, .revents = 0};
    }
    return {.fd = open_ ? from_ : -1, .events = POLLIN, .revents = 0};
  }

  [[nodiscard]] bool open() const { return open_; }

  // Does what next() waited for.
  void advance() {
    if (pending_.empty()) {
      read();
    } else {
      write();
    }
  }

 private:
  // The end of the source, which for a terminal is the error EIO, ends the flow.
  void read() {
    const ssize_t size = ::read(from_, buffer_.data(), buffer_.size());
    if (size > 0) {
      pending_ = {buffer_.data(), static_cast<std::size_t>(size)};
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
      open_ = false;
    }
  }

  void write() {
    const ssize_t size = ::write(to_, pending_.data(), pending_.size());
    if (size > 0) {
      pending_ = pending_.subspan(static_cast<std::size_t>(size));
    } else if (size < 0 && errno != EAGAIN && errno != EINTR) {
      pending_ = {};
      open_ = false;
    }
  }

  int from_;
  int to_;
  bool open_ = true;
  std::array<char, 4096> buffer_{};
  std::span<char> pending_;
};

}  // namespace

Result<CaughtSignals> CaughtSignals::begin() {
  sigset_t caught;
  sigset_t before;
  ::sigemptyset(&caught);
  ::sigaddset(&caught, SIGWINCH);
  for (const int signal : kPassedOn) {
    ::sigaddset(&caught, signal);
  }
  UniqueFd fd(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid() || ::sigprocmask(SIG_BLOCK, &caught, &before) < 0) {
    return kernel_error("catching signals", errno);
  }
  return CaughtSignals(std::move(fd), before);
}

CaughtSignals::~CaughtSignals() {
  if (fd_.valid()) {
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
}

Result<void> relay_signals(int pidfd, const CaughtSignals& signals) {
  for (;;) {
    std::array<pollfd, 2> waiting{{{.fd = pidfd, .events = POLLIN, .revents = 0},
                                   {.fd = signals.fd(), .events = POLLIN, .revents = 0}}};
    if (poll_all(waiting, -1) < 0) {
      return kernel_error("waiting for the command", errno);
    }
    if (waiting[0].revents != 0) {
      return {};
    }
    pass_on(signals, pidfd, false);
  }
}

Result<void> relay_terminal(int pidfd, const CaughtSignals& signals, const UniqueFd& master) {
  (void)::fcntl(master.get(), F_SETFL, O_NONBLOCK);
  Flow input(STDIN_FILENO, master.get());
  Flow output(master.get(), STDOUT_FILENO);
  bool running = true;
  int ready = 1;
  while (running || (ready > 0 && output.open())) {
    std::array<pollfd, 4> waiting{input.next(),
                                  output.next(),
                                  {.fd = running ? pidfd : -1, .events = POLLIN, .revents = 0},
                                  {.fd = signals.fd(), .events = POLLIN, .revents = 0}};
    ready = poll_all(waiting, running ? -1 : kLastOutputMs);
    if (ready < 0) {
      return kernel_error("waiting for the command", errno);
    }
    if (waiting[0].revents != 0) {
      input.advance();
    }
    if (waiting[1].revents != 0) {
      output.advance();
    }
    running = running && waiting[2].revents == 0;
    if (waiting[3].revents != 0) {
      pass_on(signals, pidfd, true);
      copy_window_size(STDIN_FILENO, master.get());
    }
  }
  return {};
}

}  // namespace nslab::kernel
