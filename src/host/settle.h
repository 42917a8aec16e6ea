#pragma once

#include "host/context.h"

namespace nslab::host {

// Waits until the network namespaces that were let go are gone.
Result<std::vector<Error>> settle(Context& context);

}  // namespace nslab::host
