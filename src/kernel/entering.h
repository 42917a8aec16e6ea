// The child's side of enter.h: the way from a fork of nslab into a node, and how
// the parent hears of it. Internal to enter.cc.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <string>

#include "base/enter_report.h"
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
};

void send_report(int channel, const EnterReport& report, int fd = -1);

struct Received {
  EnterReport report;
  UniqueFd fd;
};

// False at the end of the channel.
Result<bool> receive_report(int channel, Received& received);

// The whole life of nslab in the forked child: it enters all namespaces, of which
// the PID namespace holds only those born afterwards, and becomes the program that
// makes the command's process. Nothing of nslab is ever seen in the node.
[[noreturn]] void enter_and_become_program(const Plan& plan, int channel);

}  // namespace nslab::kernel::entering
