// The throw-away process in which a feature is tried.
#pragma once

#include <functional>

#include "base/result.h"
#include "probe/feature.h"

namespace nslab::probe {

// Runs the attempt in its place and waits for it, with a bound. The calling
// process must have one thread. Who is not root gets a user namespace first.
Finding attempt_in(Place place, const std::function<Finding()>& attempt);

// What the outcome of trying says. What is denied to an ordinary user is unknown.
Finding finding_of(const Result<void>& tried);

// Gives the process a user namespace in which it has every capability and keeps
// its user id.
Result<void> enter_own_userns();

}  // namespace nslab::probe
