// The processes of a service, whatever session, group or parent they have.
//
// A service starts in a cgroup namespace of its own, which has the same root as the node's:
// it shows nothing else, but every process that comes of the service is in it, also one that
// has put itself into the background. One that left it for yet another (in a container of a
// container engine, say) belongs to the service while it is in its first session.
#pragma once

#include <sys/types.h>

#include "base/fd.h"

namespace nslab::init {

class Members {
 public:
  Members() = default;

  // Of the session of that leader, and of the namespace: 0 without one.
  Members(pid_t session, ino_t tag) : session_(session), tag_(tag) {}

  [[nodiscard]] bool has(pid_t pid) const;

  // One that lives: a child of this process where there is one. 0 when there is none.
  [[nodiscard]] pid_t any() const;

  void signal(int number) const;

 private:
  pid_t session_ = 0;
  ino_t tag_ = 0;
};

// The number of a process's cgroup namespace; 0 when it is not to be known.
ino_t tag_of(pid_t pid);
// Of one that is open; 0 of none. As long as it is open no other namespace has its number.
ino_t tag_of(const UniqueFd& space);
// This process's own cgroup namespace.
UniqueFd open_own_space();

}  // namespace nslab::init
