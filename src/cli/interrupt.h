// Ctrl-C and its kin. The first asks the command to stop and to put things back;
// the second ends the program at once.
#pragma once

namespace nslab::cli {

// SIGINT, SIGTERM and SIGHUP are noted from now on; blocking calls return EINTR.
void watch_interrupts();

bool interrupted();

// A descriptor that can be read once interrupted, for poll(2), which a signal just before
// it would not end. -1 where none could be had.
int interrupt_fd();

// Waits until the descriptor can be read. False once interrupted.
bool wait_readable(int fd);

}  // namespace nslab::cli
