// The program of init/, to be executed.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace nslab::host {

// As a file in memory that nobody can write: a node that overwrites what its
// /proc/PID/exe leads to would otherwise change what every other node runs.
// /proc/PID/exe shows its name, which is that of this state directory's inits.
Result<UniqueFd> init_program(const std::string& state_dir = "/");
Result<std::string> init_program_name(const std::string& state_dir);

}  // namespace nslab::host
