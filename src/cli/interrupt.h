// Ctrl-C and its kin. The first asks the command to stop and to put things back;
// the second ends the program at once.
#pragma once

namespace nslab::cli {

// SIGINT, SIGTERM and SIGHUP are noted from now on; blocking calls return EINTR. A write to a
// pipe that nobody reads, or beyond the size that a file may have, fails like any other.
void watch_interrupts();

// The same of every other signal that would end the program, from a timer, say, or a limit on
// its time: for a command that is about to change something. A program that is ended half
// way leaves half a lab.
void outlive_other_signals();

bool interrupted();

// A descriptor that can be read once interrupted, for poll(2), which a signal just before
// it would not end. -1 where none could be had.
int interrupt_fd();

// Waits until the descriptor can be read. False once interrupted.
bool wait_readable(int fd);

}  // namespace nslab::cli
