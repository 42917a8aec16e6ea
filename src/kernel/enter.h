// Running a command inside a process's namespaces and cgroup: what `nslab exec`
// does with a node's init.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace nslab::kernel {

struct Target {
  int pidfd = -1;    // of the node's init
  pid_t pid = 0;     // its number, valid while the pidfd says that it lives
  int program = -1;  // an executable file that does what init/exec.h says
  // cgroup.procs files that the command joins before it enters; see CgroupTree.
  std::vector<std::string> cgroup_procs;
};

struct Command {
  std::vector<std::string> argv;         // looked up in the PATH of `environment`
  std::vector<std::string> environment;  // "NAME=value", all of it: TERM, too
  std::string directory = "/";           // inside
};

enum class Terminal : bool {
  none,  // the caller's stdin, stdout and stderr, whatever they are
  // A terminal of the node's own, copied to and from the caller's; stderr stays the caller's
  // where it is not on that terminal.
  pty,
};

struct Exit {
  // As a shell tells it: the command's own, 126 cannot be executed, 127 not found,
  // 128 + n killed by signal n.
  int status = 0;
  std::optional<Error> not_executed;  // why, with status 126 and 127
};

// Runs the command in every namespace in which the target differs from the
// caller, within the target's capability bounding set, and waits for it.
// Signals that others send to the caller meanwhile (INT, TERM, HUP, QUIT, USR1,
// USR2) are passed on. The command dies with the caller. An error means that the
// way into the target failed. The calling process must have one thread.
Result<Exit> run_inside(const Target& target, const Command& command, Terminal terminal);

// The namespaces (CLONE_NEW* flags) in which the process differs from ours.
Result<int> differing_namespaces(pid_t pid);

}  // namespace nslab::kernel
