#pragma once

#include "host/context.h"

namespace nslab::host {

// After a change of a lab's network, all its namespaces forget what they have learnt of one
// another, so that nobody is looked for where they are no more. In all of them: nodes can
// join what they are connected to as they like. Namespaces that this command has made
// have learnt nothing.
Result<void> forget_learnt(Context& context);

}  // namespace nslab::host
