#pragma once

namespace nslab::host {

// How the user ends a command.
struct Interrupt {
  bool (*asked)();  // cheap: it is asked for every object
  int fd;           // can be read once it was asked for, for poll(2); -1: there is none
};

}  // namespace nslab::host
