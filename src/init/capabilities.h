// What root of a node may not do, also where it is root of the host.
#pragma once

#include "init/failure.h"

namespace nslab::init {

// This process keeps them, and what it starts keeps them until it executes a program or
// drops them: none can be had back after that.
Failure limit_capabilities();

// Drops them from this process and from all that it starts, for good.
Failure drop_capabilities();

}  // namespace nslab::init
