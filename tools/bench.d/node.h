// One node: its process, namespaces and root.
//
// A node shares the memory of its maker, as that is the cheapest way to make one:
// nothing is copied. Until it executes something it may therefore use nothing of the
// C library, and all that it needs is laid out for it before.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>

namespace bench {

enum class Kind {
  bare,  // namespaces, a host name, /proc, a process
  full,  // all that a node of nslab has
};

struct Progress {
  std::atomic<int> ready{0};  // how many nodes stand
  std::atomic<int> error{0};  // of the first that failed: an errno,
  std::atomic<int> step{0};   // and its system call's number in the order of node.cc
};

struct Place {
  Kind kind = Kind::bare;
  Progress* progress = nullptr;
  int init = -1;      // full: the program
  int cgroup = -1;    // full
  std::string tasks;  // full: of its cgroup of v1, to be entered; empty for none
  std::string hostname;
  std::string upper;    // full: becomes the root
  std::string overlay;  // full: the options of its mount
  pid_t alive = 1;      // 0 once it has executed its init
};

// The process, which stands once `ready` counts it; a full one once `alive` is 0.
// `stack` is the end of its stack.
pid_t make_node(Place& place, char* stack);

}  // namespace bench
