// The last step of `nslab exec`. See base/enter_report.h.
#pragma once

namespace nslab::init {

// nslab-init exec CHANNEL terminal|streams COMMAND [ARGUMENT…]
//
// Runs in all namespaces of the node but its PID namespace, which only children
// enter: makes the command's process, as its parent's own child, reports it, and
// ends. In a node's eyes nslab is this program alone: a process there whose memory
// were nslab's would lead, by /proc/PID/exe and map_files, to the host's files.
int exec_command(int argc, char** argv);

}  // namespace nslab::init
