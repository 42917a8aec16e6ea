// How many of each thing the host allows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nslab::probe {

struct Limit {
  std::string_view id;   // of its row: "limit:net-namespaces"
  std::string_view key;  // where it is set: "user.max_net_namespaces"
  std::uint64_t enough;  // for a lab of 1,000 nodes
  std::optional<std::uint64_t> (*read)(const Limit& limit);
};

std::span<const Limit> limits();

// Null when there is no such row.
const Limit* find_limit(std::string_view id);

// The command that raises it to `wanted`.
std::string how_to_raise(const Limit& limit, std::uint64_t wanted);

}  // namespace nslab::probe
