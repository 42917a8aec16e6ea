// How services end: by their signal, with time to act on it, up to 256 at a time. Those that
// want that also when their node goes are marked by files, so that a lab can be taken
// down without asking every node.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "host/context.h"

namespace nslab::host {

// A service that is to end.
struct Stopping {
  std::string node;
  std::string name;
  std::chrono::milliseconds timeout;  // its own: then its init kills it
};

// Stops all, those of one node too, and waits for each, until the user interrupts: what
// became of each. The init of one that was not waited for stops it all the same.
std::vector<Result<void>> stop_services(const Context& context, std::span<const Stopping> services);

// The same where their nodes go next, so that failures make no difference: only the
// interrupt does. Inits that hang are given 10 seconds more than their services, together.
Result<void> end_services(const Context& context, std::span<const Stopping> services);

// Before the service starts. Others of no such wish need none.
Result<void> mark_graceful(const Layout& layout, const resource::Service& spec);

// Once the service is gone.
void unmark_graceful(const Layout& layout, const std::string& node, const std::string& name);

// Those that are marked, by node.
Result<std::vector<Stopping>> graceful_services(const Layout& layout);

}  // namespace nslab::host
