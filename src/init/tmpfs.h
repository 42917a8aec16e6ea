// The file systems in memory that a node with a root of its own begins with.
#pragma once

#include <sys/types.h>

#include <array>

#include "init/protocol.h"

namespace nslab::init {

class OwnTmpfs {
 public:
  // Looks which they are, before anybody can have mounted others over them.
  static OwnTmpfs find();

  // Adds what each may hold and which device it is; nothing of one that is covered.
  void describe(Writer& writer) const;

 private:
  std::array<dev_t, 3> devices_{};
};

}  // namespace nslab::init
