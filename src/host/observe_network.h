// The part of observe() that is inside network namespaces.
#pragma once

#include "host/context.h"

namespace nslab::host {

Result<void> observe_network(Context& context, resource::ObservedState& state);

// Those of IPC namespaces as well.
Result<void> observe_sysctls(Context& context, resource::ObservedState& state);

}  // namespace nslab::host
