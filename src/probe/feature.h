// What a host can offer to nslab, as rows: the one list that `nslab doctor`
// prints, that `up` asks before it makes anything, and whose ids the tests name
// what they need by.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nslab::probe {

enum class State : std::uint8_t {
  present,
  limited,  // there, but less of it than a large lab takes
  missing,
  unknown,  // could not be tried, by this user for example
};

inline constexpr std::array<std::string_view, 4> kStateNames{
    "present", "limited", "missing", "unknown"};

struct Finding {
  State state = State::present;
  std::string detail{};  // what was seen: the kernel's answer, the value of a limit
  std::string remedy{};  // where it is another than the feature's
};

// Where a feature is tried.
enum class Place : std::uint8_t {
  here,     // reads only, or removes what it made
  child,    // a child process, which may change itself as it likes
  network,  // a child with a network namespace of its own
  mounts,   // a child with a mount namespace of its own, all of it private
};

struct Feature {
  std::string_view id;    // "cgroup-v2:memory"
  std::string_view what;  // "memory limits": it completes "node 'web' needs ..."
  bool required;          // whether nslab is of no use without it
  std::string_view without;
  std::string_view remedy;
  Place place;
  Finding (*attempt)(const Feature& feature);  // runs in its place
  // A sign, read in microseconds, that it is there; null where there is none.
  // Without the sign it has to be tried.
  bool (*sign)(const Feature& feature) = nullptr;
  // Where nothing but the kernel can lack it: which module has it, if one can, and the option
  // that a kernel with it is built with. The remedy is made of these where it is missing.
  std::string_view module{};
  std::string_view config{};
};

// In the order of the report.
std::span<const Feature> features();

// Null when there is no such row.
const Feature* find_feature(std::string_view id);

// The part after the colon: "memory" of "cgroup-v2:memory".
inline std::string_view part_of(const Feature& feature) {
  const std::size_t colon = feature.id.find(':');
  return colon == std::string_view::npos ? feature.id : feature.id.substr(colon + 1);
}

}  // namespace nslab::probe
