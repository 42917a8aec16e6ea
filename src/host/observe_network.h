// The part of observe() that is inside network namespaces.
#pragma once

#include <optional>
#include <string>

#include "host/context.h"

namespace nslab::host {

Result<void> observe_network(Context& context, resource::ObservedState& state);

// Nothing when the namespace or the key is not there.
std::optional<std::string> read_node_sysctl(Context& context,
                                            const std::string& node,
                                            const std::string& key);

}  // namespace nslab::host
