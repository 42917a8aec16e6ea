// Time as milliseconds of the monotonic clock.
#pragma once

#include <cstdint>
#include <ctime>
#include <limits>

namespace nslab::init {

using Millis = std::int64_t;

inline constexpr Millis kNever = std::numeric_limits<Millis>::max();

inline Millis now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Millis{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

// The earlier of the two.
inline Millis sooner(Millis a, Millis b) {
  return a < b ? a : b;
}

}  // namespace nslab::init
