// What root of a node may not do, also where it is root of the host.
#pragma once

#include "init/failure.h"

namespace nslab::init {

// Drops them from this process and from all that it starts, for good.
Failure drop_capabilities();

}  // namespace nslab::init
