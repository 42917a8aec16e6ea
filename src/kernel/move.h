// Moving cables' ends into a new network namespace, where nothing is left of what was done
// to them in the old one.
//
// The kernel takes a device down that moves, and all its protocols forget it: addresses,
// routes, neighbours, queueing disciplines, filters, its bridge, its sysctls
// (__dev_change_net_namespace()). What belongs to the device itself goes along. Of that, the
// name, MAC address, MTU, alias and group are a cable's and stay; the rest is made as a veth
// has it that was never touched.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "kernel/link.h"
#include "kernel/netns.h"

namespace nslab::kernel {

// From the socket's namespace. They come down, with the numbers that they had where these
// are free. One that is gone is no error. On failure some have moved.
Result<void> move_veths(Socket& from, const std::vector<LinkIndex>& ends, NetnsHandle& to);

}  // namespace nslab::kernel
