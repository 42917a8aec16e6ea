// Who listens on a TCP port of this network namespace.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "init/members.h"

namespace nslab::init {

struct Listener {
  ino_t inode = 0;
  sockaddr_storage address{};  // as it is bound: perhaps the unspecified one
};

struct Listeners {
  std::array<Listener, 16> some{};  // one port can have a listener for each address
  std::size_t count = 0;
  bool known = false;  // /proc could be asked
};

Listeners listeners_on(std::uint16_t port);

// The process that has one of them open: of those that are members, the first of the
// listeners with its place in `which`; otherwise, of all others, any. 0: nobody to be seen.
struct Holder {
  pid_t pid = 0;
  bool member = false;
  std::size_t which = 0;
};

Holder holder_of(const Listeners& listeners, const Members& members);

}  // namespace nslab::init
