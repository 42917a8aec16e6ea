// What new network namespaces have from the host's.
#pragma once

#include <span>

#include "base/result.h"

namespace nslab::host {

// A new network namespace begins with the host's own settings of IPv4, and of IPv6 where
// net.core.devconf_inherit_init_net says so: that it forwards wherever Docker runs, say.
// Gives these namespaces, which were made alike and are in no use yet, the kernel's own
// defaults instead, so that a node is the same on every host.
Result<void> forget_hosts_settings(std::span<const int> namespaces);

}  // namespace nslab::host
