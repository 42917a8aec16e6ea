#include "base/profile.h"

#include <sys/resource.h>

#include <algorithm>

namespace nslab {
namespace {

std::chrono::microseconds to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

// What the clocks show, as a phase that began with them.
Phase now(std::string name) {
  rusage used{};
  (void)::getrusage(RUSAGE_SELF, &used);
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {.name = std::move(name),
          .wall = std::chrono::duration_cast<std::chrono::microseconds>(wall),
          .user = to_duration(used.ru_utime),
          .system = to_duration(used.ru_stime)};
}

}  // namespace

Profile::Timer::Timer(Profile& profile, std::string name)
    : profile_(profile), start_(now(std::move(name))) {
  const auto known = std::ranges::find(profile.phases_, start_.name, &Phase::name);
  if (known == profile.phases_.end()) {
    profile.phases_.push_back({.name = start_.name});
  }
}

Profile::Timer::~Timer() {
  const Phase end = now({});
  Phase& phase = *std::ranges::find(profile_.phases_, start_.name, &Phase::name);
  phase.wall += end.wall - start_.wall;
  phase.user += end.user - start_.user;
  phase.system += end.system - start_.system;
}

}  // namespace nslab
