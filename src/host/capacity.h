// Whether the host has room for a lab: what the kernel allows of each thing,
// beside what the lab takes. What other programs take of it is not counted, since
// nobody can ask the kernel.
#pragma once

#include <cstddef>
#include <vector>

#include "base/error.h"
#include "host/context.h"
#include "host/host.h"

namespace nslab::host {

// Limits that the lab exceeds by itself, so that it cannot be brought up. Each
// with the line that is one too many. The caller's open files count as well. A limit of
// which nothing is made is not looked at.
std::vector<Error> exceeded(const resource::DesiredState& desired,
                            Made made,
                            std::size_t open_files);

// Limits that it comes to exceed when its nodes do what nodes do.
std::vector<Error> tight(const Context& context, const resource::DesiredState& desired);

}  // namespace nslab::host
