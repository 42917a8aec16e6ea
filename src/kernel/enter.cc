// The caller forks a child that enters the node and becomes a program, which forks
// the command. By CLONE_PARENT that is the caller's own child: it is waited for and
// signalled without anybody in between.
#include "kernel/enter.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "kernel/entering.h"
#include "kernel/netns.h"
#include "kernel/pty.h"
#include "kernel/relay.h"

namespace nslab::kernel {

namespace {

using entering::Plan;
using entering::Received;

constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;
constexpr int kKilled = 128;

Result<std::uint64_t> bounding_set(pid_t pid) {
  constexpr std::string_view kKey = "CapBnd:\t";
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    std::uint64_t set = 0;
    if (line.starts_with(kKey) &&
        std::from_chars(line.data() + kKey.size(), line.data() + line.size(), set, 16).ec ==
            std::errc{}) {
      return set;
    }
  }
  return kernel_error("reading the capabilities of process " + std::to_string(pid), ESRCH);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? kKilled + WTERMSIG(status) : WEXITSTATUS(status);
}

// What the child tells of itself and of the command.
struct Started {
  pid_t pid = 0;  // of the command; 0: the child did not come so far
  UniqueFd master;
  std::optional<Error> failure;
  std::optional<Error> not_executed;
};

// What comes from inside a node is a claim.
bool is_child(pid_t pid) {
  siginfo_t info{};
  return pid > 0 &&
         ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

Result<Started> hear(int channel, const Plan& plan) {
  Started started;
  for (;;) {
    Received received;
    NSLAB_ASSIGN(more, entering::receive_report(channel, received));
    if (!more) {
      return started;
    }
    const EnterReport& report = received.report;
    switch (report.kind) {
      case EnterReport::Kind::terminal:
        started.master = std::move(received.fd);
        break;
      case EnterReport::Kind::started:
        if (!is_child(report.pid)) {
          return kernel_error("entering the node: it names a process that is not its", ECHILD);
        }
        started.pid = report.pid;
        break;
      case EnterReport::Kind::failed:
        started.failure = kernel_error(report.what.data(), report.os_error);
        break;
      case EnterReport::Kind::not_executed:
        started.not_executed =
            kernel_error("running " + quote(plan.command.argv.front()), report.os_error);
        break;
    }
  }
}

// The command runs, or it is known why it could not be executed.
Result<Started> start(const Plan& plan) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return kernel_error("starting a process for the node", errno);
  }
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    return kernel_error("starting a process for the node", errno);
  }
  if (child == 0) {
    entering::enter_and_become_program(plan, theirs.get());
  }
  theirs.reset();
  auto started = hear(ours.get(), plan);
  (void)wait_for(child);
  if (started && started->failure) {
    if (started->pid != 0) {
      (void)wait_for(started->pid);
    }
    return *std::move(started->failure);
  }
  if (started && started->pid == 0) {
    return kernel_error("entering the node", ECHILD);
  }
  return started;
}

Result<void> accompany(const Started& started, const CaughtSignals& signals) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, started.pid, 0)));
  if (!pidfd.valid()) {
    return kernel_error("watching the command", errno);
  }
  if (started.master.valid()) {
    NSLAB_ASSIGN(raw, RawTerminal::enter(STDIN_FILENO));
    return relay_terminal(pidfd.get(), signals, started.master);
  }
  return relay_signals(pidfd.get(), signals);
}

}  // namespace

Result<int> differing_namespaces(pid_t pid) {
  int flags = 0;
  for (const Namespace type : kAllNamespaces) {
    auto ours = current_namespace(type);
    if (!ours) {
      if (ours.error().os_error == ENOENT) {
        continue;  // the kernel has none of this type
      }
      return std::move(ours.error());
    }
    NSLAB_ASSIGN(theirs, open_namespace(pid, type));
    NSLAB_ASSIGN(our_inode, namespace_inode(ours->get()));
    NSLAB_ASSIGN(their_inode, namespace_inode(theirs.get()));
    flags |= our_inode == their_inode ? 0 : static_cast<int>(type);
  }
  return flags;
}

Result<Exit> run_inside(const Target& target, const Command& command, Terminal terminal) {
  Plan plan{.target = target, .command = command, .terminal = terminal};
  NSLAB_ASSIGN(namespaces, differing_namespaces(target.pid));
  NSLAB_ASSIGN(capabilities, bounding_set(target.pid));
  NSLAB_ASSIGN(signals, CaughtSignals::begin());
  plan.namespaces = namespaces;
  plan.capabilities = capabilities;
  NSLAB_ASSIGN(started, start(plan));
  if (started.not_executed) {
    (void)wait_for(started.pid);
    return Exit{.status = started.not_executed->os_error == ENOENT ? kNotFound : kCannotExecute,
                .not_executed = std::move(started.not_executed)};
  }
  const auto accompanied = accompany(started, signals);
  if (!accompanied) {
    ::kill(started.pid, SIGKILL);
  }
  const int status = wait_for(started.pid);
  NSLAB_TRY(accompanied);
  return Exit{.status = status};
}

}  // namespace nslab::kernel
