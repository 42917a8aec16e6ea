// Whom the kernel ends first where memory runs out.
#pragma once

namespace nslab::init {

// From here on, all else on the host comes before this process. Without the right to
// ask for that, which nslab lacks in some containers, nothing changes.
// What it forks has its place.
void come_last();
// Takes that back.
void come_as_any_other();

// While it lives, this process is as any other, and so is what it starts: a new
// process has its parent's place, and could otherwise come back to it.
class AsAnyOther {
 public:
  AsAnyOther();
  ~AsAnyOther();
  AsAnyOther(const AsAnyOther&) = delete;
  AsAnyOther& operator=(const AsAnyOther&) = delete;
  AsAnyOther(AsAnyOther&&) = delete;
  AsAnyOther& operator=(AsAnyOther&&) = delete;
};

}  // namespace nslab::init
