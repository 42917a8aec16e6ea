#include "cli/timing.h"

#include <array>
#include <cstdio>

#include "cli/log.h"

namespace nslab::cli {

void log_phases(const reconcile::Report& report, Console& console) {
  if (!console.verbose()) {
    return;
  }
  for (const reconcile::Phase& phase : report.phases) {
    std::array<char, 64> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%-8s %8.1f ms",
                  phase.name.c_str(),
                  std::chrono::duration<double, std::milli>(phase.duration).count());
    log_detail(text.data());
  }
}

}  // namespace nslab::cli
