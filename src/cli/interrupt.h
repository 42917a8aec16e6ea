// Ctrl-C and its kin. The first asks the command to stop and to put things back;
// the second ends the program at once.
#pragma once

namespace nslab::cli {

// SIGINT, SIGTERM and SIGHUP are noted from now on; blocking calls return EINTR.
void watch_interrupts();

bool interrupted();

// Waits until the descriptor can be read. False once interrupted, also where the
// signal came just before the wait, which read(2) would miss.
bool wait_readable(int fd);

}  // namespace nslab::cli
