// The plan: what has to be done so that a host becomes what a lab file says.
//
// Theory of operation. diff() goes through six stages, each over all resources:
//   1. pair     every id of the desired and the observed state, side by side
//   2. decide   for each id alone: keep, create, change, replace or destroy
//   3. restart  an object that cannot change under a running node restarts it
//   4. spread   what lives in an object that goes is gone with it: it is made
//               again where the lab still wants it, and needs no step of its own
//               where not. A node that starts again gets a clean network namespace:
//               of the old one only the cables stay, and who shares it starts again
//               as well. A cable that is made anew has lost what setup lines did to
//               it, so that its nodes start again where they have any. A route that
//               changes while its interface loses an address is replaced: the kernel
//               may drop it with the address
//   5. order    edges from dependencies (for destroying: reversed), then one
//               deterministic order: destroys first, kinds in the order of Kind,
//               ties by declaration
// From then on the plan is fixed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "resource/state.h"

namespace nslab::plan {

enum class Action : std::uint8_t {
  keep,
  create,
  change,
  replace,
  destroy,
};

inline constexpr std::array<std::string_view, 5> kActionSymbols{"=", "+", "~", "±", "-"};
inline constexpr std::array<std::string_view, 5> kActionNames{
    "keep", "create", "change", "replace", "destroy"};

struct Step {
  Action action = Action::keep;
  resource::Id id;
  std::optional<resource::Spec> before;  // change, replace, destroy
  std::optional<resource::Spec> after;   // create, change, replace
  std::string reason;                    // "mtu 1500 → 9000"; empty where the action says it all
  bool drift = false;              // the file has not changed: somebody changed the host by hand
  SourcePos origin;                // unknown for what the file no longer has
  std::vector<std::size_t> needs;  // indices of steps that come before
};

class Plan {
 public:
  // In an order in which they can be executed.
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

  [[nodiscard]] bool empty() const { return steps_.empty(); }

  // How many objects are as they should be.
  [[nodiscard]] std::size_t kept() const { return kept_; }

  [[nodiscard]] std::size_t count(Action action) const;

  // What goes without a step of its own, because what it lives in goes.
  [[nodiscard]] const std::vector<resource::Id>& implied() const { return implied_; }

  // What stands in the way on the host and is not nslab's. A plan with conflicts
  // cannot be executed.
  [[nodiscard]] const std::vector<Error>& conflicts() const { return conflicts_; }

 private:
  friend class Differ;
  std::vector<Step> steps_;
  std::vector<resource::Id> implied_;
  std::vector<Error> conflicts_;
  std::size_t kept_ = 0;
};

// `last` is what the lab was last brought to, where that is known: it tells
// drift from a change of the file.
Plan diff(const resource::DesiredState& desired,
          const resource::ObservedState& observed,
          const resource::DesiredState* last = nullptr);

}  // namespace nslab::plan
