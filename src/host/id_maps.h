// Which file systems can show their files to a user namespace with the owners that they have.
#pragma once

#include <map>
#include <string>

#include "base/fd.h"

namespace nslab::host {

// Asks the kernel for each path once. The calling process must have one thread: a user
// namespace to try it with takes a fork.
class IdMaps {
 public:
  bool takes(const std::string& path);

 private:
  bool tried_ = false;
  UniqueFd userns_;
  std::map<std::string, bool> known_;
};

}  // namespace nslab::host
