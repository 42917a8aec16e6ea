// The part of observe() that is inside network namespaces, and the sysctls of others.
#pragma once

#include "host/context.h"

namespace nslab::host {

Result<void> observe_network(Context& context, const Places* only, resource::ObservedState& state);

Result<void> observe_ipc_sysctls(const Layout& layout,
                                 const Places* only,
                                 resource::ObservedState& state);

}  // namespace nslab::host
