// What nodes inherit from whoever runs nslab, and nslab cannot lift.
#pragma once

#include <vector>

#include "base/error.h"

namespace nslab::host {

// A warning each. See base/inherited.h.
std::vector<Error> not_lifted();

}  // namespace nslab::host
