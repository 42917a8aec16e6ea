// From what a lab means to the kernel objects that make it.
#pragma once

#include "resource/state.h"
#include "topology/topology.h"

namespace nslab::topology {

// Every object of a lab without contradictions, with the line that asked for it.
resource::DesiredState lower(const Topology& topology);

}  // namespace nslab::topology
