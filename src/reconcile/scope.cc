#include "reconcile/scope.h"

#include <algorithm>

namespace nslab::reconcile {

void Scope::reach(const plan::Plan& plan) {
  for (const plan::Step& step : plan.steps()) {
    reach(step);
  }
  for (const resource::Id& gone : plan.implied()) {
    if (const auto found = before_.resources.find(gone); found != before_.resources.end()) {
      reach(found->second.spec);
    }
  }
}

void Scope::reach(const plan::Step& step) {
  whole_ = whole_ || step.id == resource::kLabId;
  for (const auto* spec : {&step.before, &step.after}) {
    if (*spec) {
      reach(**spec);
    }
  }
}

void Scope::reach(const resource::Spec& spec) {
  for (const std::string& place : resource::places_of(spec)) {
    if (!reached_.insert(place).second) {
      continue;
    }
    // What happens in a node happens in the namespaces that others share with it.
    const resource::Id node = resource::node_id(place);
    if (const auto found = desired_.resources.find(node); found != desired_.resources.end()) {
      reach(found->second.spec);
    }
    if (const auto found = before_.resources.find(node); found != before_.resources.end()) {
      reach(found->second.spec);
    }
  }
}

bool Scope::holds(const resource::Spec& spec) const {
  const auto places = resource::places_of(spec);
  return whole_ || places.empty() || std::ranges::any_of(places, [&](const std::string& place) {
           return reached_.contains(place);
         });
}

std::optional<host::Places> Scope::places() const {
  host::Places places = reached_;
  // A cable of one that was reached ends elsewhere as well; a node that is in a namespace of one
  // has a name of its own, and whoever does not look there finds it gone.
  const auto look_at = [&](const resource::Spec& spec) {
    if (holds(spec)) {
      for (std::string& place : resource::places_of(spec)) {
        places.insert(std::move(place));
      }
    }
  };
  std::ptrdiff_t all = 0;
  for (const auto& [id, entry] : desired_.resources) {
    look_at(entry.spec);
    all += id.kind == resource::Kind::netns ? 1 : 0;
  }
  for (const auto& [id, entry] : before_.resources) {
    look_at(entry.spec);
  }
  return whole_ || 2 * std::ssize(places) > all ? std::nullopt : std::optional(std::move(places));
}

resource::DesiredState Scope::part_of(const resource::DesiredState& state) const {
  resource::DesiredState part{.lab = state.lab, .description = state.description};
  for (const auto& [id, entry] : state.resources) {
    if (holds(entry.spec)) {
      part.resources.emplace(id, entry);
    }
  }
  return part;
}

resource::ObservedState Scope::part_of(resource::ObservedState state) const {
  std::erase_if(state.resources, [&](const auto& entry) { return !holds(entry.second.spec); });
  return state;
}

}  // namespace nslab::reconcile
