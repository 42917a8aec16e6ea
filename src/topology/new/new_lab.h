// Lab files of a regular shape and any size, to begin with or to measure with.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nslab::topology {

inline constexpr std::array<std::string_view, 6> kLabShapes{
    "line", "star", "tree", "ring", "mesh", "leaf-spine"};

struct NewLab {
  std::string shape;                      // one of kLabShapes
  std::string name{};                     // of the lab; empty: the shape's
  std::string subnet{};                   // what addresses are taken from; empty: 10.0.0.0/8
  std::optional<std::uint32_t> nodes{};   // all of them, routers included
  std::optional<std::uint32_t> fanout{};  // tree: below each router
  std::optional<std::uint32_t> leaves{};  // leaf-spine, these three
  std::optional<std::uint32_t> spines{};
  std::optional<std::uint32_t> hosts{};  // below each leaf
};

// The text of a lab file that load_lab() takes. Refuses a wish that the lab file's
// limits, or the subnet, have no room for.
Result<std::string> new_lab(const NewLab& wish);

}  // namespace nslab::topology
