// Whom the kernel ends first where memory runs out.
#pragma once

namespace nslab::init {

// From here on, all else on the host comes before this process. Without the right to
// ask for that, which nslab lacks in some containers, nothing changes.
// What it forks has its place.
void come_last();
// Takes that back.
void come_as_any_other();
// From here on, this process comes before those of the host.
void come_before_the_host();

// While it lives, what this process starts comes before the host's: a new process has its
// parent's place.
class BeforeTheHost {
 public:
  BeforeTheHost();
  ~BeforeTheHost();
  BeforeTheHost(const BeforeTheHost&) = delete;
  BeforeTheHost& operator=(const BeforeTheHost&) = delete;
  BeforeTheHost(BeforeTheHost&&) = delete;
  BeforeTheHost& operator=(BeforeTheHost&&) = delete;
};

}  // namespace nslab::init
