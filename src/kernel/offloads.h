// What of a packet's work an interface takes over: `ethtool -k`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace nslab::kernel {

// As asked for, a bit each, in words of 32.
using Offloads = std::vector<std::uint32_t>;

// Of interfaces of the network namespace that the calling thread is in.
Result<Offloads> offloads(const std::string& interface);
// Those that can be changed.
Result<void> set_offloads(const std::string& interface, const Offloads& asked);

}  // namespace nslab::kernel
