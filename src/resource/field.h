// The fields of a resource as rows: one row gives a field's JSON, its part in
// the reason for a change ("mtu 1500 -> 9000") and what changing it costs.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <tuple>

namespace nslab::resource {

// What it takes to give a field of an existing object another value.
enum class Cost : std::uint8_t {
  nothing,  // the kernel changes it in place
  replace,  // the object is destroyed and made again
  restart,  // the node that holds the object starts again
};

template <typename Spec, typename Value>
struct Field {
  std::string_view name;
  Value Spec::*member;
  Cost cost;
};

template <typename Spec, typename Value>
constexpr Field<Spec, Value> field(std::string_view name,
                                   Value Spec::*member,
                                   Cost cost = Cost::nothing) {
  return {name, member, cost};
}

// A struct that describes itself by a static fields() that returns such rows.
template <typename T>
concept HasFields = requires {
  T::fields();
};

// Calls visit(row) for every field of T, in order.
template <HasFields T, typename Visit>
constexpr void for_each_field(Visit&& visit) {
  std::apply([&](const auto&... row) { (visit(row), ...); }, T::fields());
}

}  // namespace nslab::resource
