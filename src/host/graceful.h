// Services that want their stop signal before their node goes, and time to act on it.
// Which there are is marked by files, so that a lab can be taken down without asking
// every node.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/context.h"

namespace nslab::host {

// Before the service starts. Others of no such wish need none.
Result<void> mark_graceful(const Layout& layout, const resource::Service& spec);

// Once the service, or its whole node, is gone.
void unmark_graceful(const Layout& layout, const resource::Service& spec);
Result<void> unmark_graceful(const Layout& layout, std::string_view node);

// The nodes that have such services, each once.
Result<std::vector<std::string>> graceful_nodes(const Layout& layout);

// Lets the services of these nodes end, all at a time, for a minute at most. Those whose
// init hangs are given 10 seconds together; all that does not end is there to be killed.
void end_services(const Context& context, std::span<const std::string> nodes);

}  // namespace nslab::host
