// What each phase of a command took, for -v and the benchmarks.
#pragma once

#include "base/profile.h"
#include "cli/console.h"

namespace nslab::cli {

void log_phases(const Profile& profile, Console& console);

}  // namespace nslab::cli
