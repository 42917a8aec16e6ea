#pragma once

#include <vector>

#include "host/context.h"

namespace nslab::host {

// Why this host cannot run the lab. Changes nothing.
std::vector<Error> obstacles(Context& context, const resource::DesiredState& desired, Made made);

}  // namespace nslab::host
