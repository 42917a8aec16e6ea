// What each phase of a command took, for -v and the benchmarks.
#pragma once

#include "cli/console.h"
#include "reconcile/reconciler.h"

namespace nslab::cli {

void log_phases(const reconcile::Report& report, Console& console);

}  // namespace nslab::cli
