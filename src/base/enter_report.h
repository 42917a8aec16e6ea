// What is told to the process that waits while another enters a node: by nslab's
// own fork, and by the program that this then becomes. Plain data: the program has
// nothing of the rest.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>

namespace nslab {

// One datagram. The end of the channel means that the command runs: its end of the
// channel closes when it is executed.
struct EnterReport {
  enum class Kind : std::uint8_t {
    terminal,      // brings the master of the command's terminal
    started,       // `pid` is about to execute the command
    failed,        // the way into the node: `what`
    not_executed,  // the command itself
  };

  Kind kind = Kind::started;
  int os_error = 0;
  pid_t pid = 0;
  std::array<char, 256> what{};
};

}  // namespace nslab
