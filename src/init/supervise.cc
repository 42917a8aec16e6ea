#include "init/supervise.h"

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "init/control.h"

namespace nslab::init {
namespace {

UniqueFd open_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
}

void note_end(Node& node, pid_t pid, int status) {
  for (Service& service : node.services) {
    if (service.ended(pid, status, now())) {
      return;
    }
  }
  for (Client& client : node.clients) {
    if (client.command.pid == pid) {
      client.command.ended = true;
      client.command.status = status;
    }
  }
}

// After the end of others: whether what is in the background is there yet.
void look_at_services(const Node& node) {
  for (Service& service : node.services) {
    service.look_again(now());
  }
}

int wait_status(const siginfo_t& info) {
  // As waitpid(2) has it: the number of the signal, or the exit status above it.
  return info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : info.si_status;
}

// Reaps what has ended, orphans too. What a process means is looked up before its
// number can be another's.
void reap(Node& node) {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
    note_end(node, info.si_pid, wait_status(info));
    (void)::waitpid(info.si_pid, nullptr, 0);
    info = {};
  }
  look_at_services(node);
}

void stop_services(Node& node) {
  node.stopping = true;
  for (Service& service : node.services) {
    service.stop(now());
  }
}

void take_signals(Node& node, int signals) {
  signalfd_siginfo info{};
  while (::read(signals, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTERM) {
      stop_services(node);
    }
  }
  reap(node);
}

Millis next_due(const Node& node) {
  Millis due = kNever;
  for (const Service& service : node.services) {
    due = sooner(due, service.next_due());
  }
  return due;
}

void watch_services(Node& node, PollSet& polls) {
  if (node.syslog) {
    polls.add(node.syslog->fd(), POLLIN, node.syslog->result);
  }
  if (node.setup_log) {
    polls.add(node.setup_log->output(), POLLIN, node.setup_log_result);
  }
  for (Service& service : node.services) {
    polls.add(service.log.output(), POLLIN, service.log_result);
    polls.add(service.probe.fd(), service.probe.events(), service.probe.result);
  }
}

void advance_services(Node& node) {
  if (node.syslog && node.syslog->result != 0) {
    node.syslog->result = 0;
    node.syslog->copy();
  }
  if (node.setup_log_result != 0) {
    node.setup_log_result = 0;
    node.setup_log->copy();
  }
  for (Service& service : node.services) {
    if (service.log_result != 0) {
      service.log.copy();
    }
    service.advance(now());
  }
}

bool has_stopped(const Node& node) {
  for (const Service& service : node.services) {
    if (!service.gone()) {
      return false;
    }
  }
  return node.stopping;
}

}  // namespace

void supervise(int listener, const Circumstances& circumstances, const Packet& request) {
  const UniqueFd signals = open_signals();
  Node node;
  node.circumstances = circumstances;
  remember_node(node, request);
  if (circumstances.own_root) {
    node.tmpfs = OwnTmpfs::find();
  }
  PollSet polls;
  bool answered = false;
  while (!has_stopped(node)) {
    short signalled = 0;
    short connecting = 0;
    polls.clear();
    polls.add(signals.get(), POLLIN, signalled);
    watch_clients(node, listener, polls, connecting);
    watch_services(node, polls);
    polls.wait(answered ? now() : next_due(node));
    if (signalled != 0) {
      take_signals(node, signals.get());
    }
    advance_services(node);
    if (connecting != 0) {
      accept_client(node, listener);
    }
    answered = serve_clients(node);
  }
  ::_exit(EXIT_SUCCESS);
}

}  // namespace nslab::init
