#pragma once

#include "host/context.h"

namespace nslab::host {

// What the lab's specs do not say: processes, memory, counters.
Result<LabStatus> inspect(Context& context);

}  // namespace nslab::host
