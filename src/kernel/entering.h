// The child's side of enter.h: the way from a fork of nslab to the command
// inside a node, and how the parent hears of it. Internal to enter.cc.
#pragma once

#include <sys/types.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/enter.h"

namespace nslab::kernel::entering {

// What the parent finds out while it still sees the host.
struct Plan {
  Target target;
  Command command;
  Terminal terminal = Terminal::none;
  int namespaces = 0;              // CLONE_NEW* flags to enter
  std::uint64_t capabilities = 0;  // the bounding set to keep
  sigset_t signal_mask{};          // of the command
};

// One datagram from the child. The end of the channel means that the command
// runs: its end of the channel closes when it is executed.
struct Report {
  enum class Kind : std::uint8_t {
    started,       // `pid` is about to execute the command; brings the pty's master
    failed,        // the way into the node
    not_executed,  // the command itself
  };

  Kind kind = Kind::started;
  int os_error = 0;
  pid_t pid = 0;
  std::array<char, 256> what{};
};

void send_report(int channel, const Report& report, int fd = -1);

struct Received {
  Report report;
  UniqueFd fd;
};

// False at the end of the channel.
Result<bool> receive_report(int channel, Received& received);

// The whole life of the forked child. It enters, forks the command as its
// parent's own child (a PID namespace holds only those born after entering it),
// reports, and exits.
[[noreturn]] void enter_and_start(const Plan& plan, int channel);

}  // namespace nslab::kernel::entering
