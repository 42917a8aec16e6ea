// The inits of a lab that run, whatever cgroup they are in. A lab's cgroups can be removed
// by hand and its processes moved out of them; its sockets still tell whose they are.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/context.h"
#include "host/layout.h"

namespace nslab::host {

// The labs, beside those that are known, of which an init of this state directory listens,
// whether or not its socket's file is there.
Result<std::set<std::string>> labs_that_listen(const std::string& state_dir,
                                               const std::set<std::string>& known);
Result<bool> has_inits(const Layout& layout);

// Ends the inits of the lab that run, and all that runs below them, for what the lab's
// cgroups did not hold. ETIMEDOUT names what still runs at the deadline.
Result<void> end_inits(const Layout& layout, std::chrono::steady_clock::time_point deadline);
// The same of one node, by its socket.
Result<void> end_init(const Layout& layout,
                      const std::string& node,
                      std::chrono::steady_clock::time_point deadline);

// The init and all that runs below it, as the kernel lists parents now.
std::vector<pid_t> with_descendants(pid_t init);

// Moves the node's processes into its cgroup, which exists, in every hierarchy.
Result<void> bring_into_cgroup(const Context& context, const std::string& node);

}  // namespace nslab::host
