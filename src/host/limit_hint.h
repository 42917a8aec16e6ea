// Which of a node's limits a failure may come from.
#pragma once

#include <string_view>

#include "base/error.h"
#include "host/layout.h"
#include "kernel/cgroup.h"

namespace nslab::host {

// With a hint where the limit of memory has ended programs of the node, of which those say
// nothing, or that of processes has refused one, which all say in words of their own.
Error with_limit_hint(const kernel::CgroupTree& cgroups,
                      const Layout& layout,
                      std::string_view node,
                      Error error);

}  // namespace nslab::host
