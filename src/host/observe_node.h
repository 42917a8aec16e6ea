// The part of observe() that a node's init answers.
#pragma once

#include "host/context.h"

namespace nslab::host {

// Adds every node whose init lives, and what its init holds: files, mounts,
// setup commands that have run, services.
Result<void> observe_nodes(Context& context, const Places* only, resource::ObservedState& state);

}  // namespace nslab::host
