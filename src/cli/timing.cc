#include "cli/timing.h"

#include <array>
#include <cstdio>

#include "cli/log.h"

namespace nslab::cli {
namespace {

double milliseconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

void log_row(const Phase& phase, std::chrono::microseconds all) {
  std::array<char, 96> text{};
  std::snprintf(text.data(),
                text.size(),
                "%-16s %9.1f %9.1f %9.1f %4.0f %%",
                phase.name.c_str(),
                milliseconds(phase.wall),
                milliseconds(phase.user),
                milliseconds(phase.system),
                all.count() > 0 ? 100.0 * milliseconds(phase.wall) / milliseconds(all) : 0.0);
  log_detail(text.data());
}

}  // namespace

void log_phases(const Profile& profile, Console& console) {
  if (!console.verbose()) {
    return;
  }
  Phase sum{.name = "together"};
  for (const Phase& phase : profile.phases()) {
    sum.wall += phase.wall;
    sum.user += phase.user;
    sum.system += phase.system;
  }
  log_detail("phase              wall ms   user ms system ms  share");
  for (const Phase& phase : profile.phases()) {
    log_row(phase, sum.wall);
  }
  log_row(sum, sum.wall);
}

}  // namespace nslab::cli
