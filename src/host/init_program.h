// The program of init/, to be executed.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace nslab::host {

// As a file in memory that nobody can write: a node that overwrites what its
// /proc/PID/exe leads to would otherwise change what every other node runs.
Result<UniqueFd> init_program();

}  // namespace nslab::host
