// Running a command in a node.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/layout.h"
#include "kernel/enter.h"

namespace nslab::host {

// In all namespaces of the node and in its cgroup, with the node's environment;
// with a terminal where stdin and stdout are one, beside which a stderr that was sent elsewhere
// stays what it is. Nothing but the node's control socket is read: it costs the same in a lab of
// any size.
Result<kernel::Exit> run_in_node(const Layout& layout,
                                 std::string_view node,
                                 std::vector<std::string> words);

}  // namespace nslab::host
