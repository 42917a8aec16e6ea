// A plan as a host gets it: without replacements.
#pragma once

#include <vector>

#include "plan/plan.h"

namespace nslab::plan {

// The plan's steps with each replacement taken apart: first all that goes,
// innermost first, then all that changes and comes, outermost first. So nothing
// new meets what it replaces: two cables can swap their ends, and a node has
// ended when its namespaces go. `needs` are indices of the result.
std::vector<Step> halves(const Plan& plan);

}  // namespace nslab::plan
