#include "reconcile/scope.h"

#include <algorithm>

namespace nslab::reconcile {

void Scope::reach(const plan::Plan& plan) {
  for (const plan::Step& step : plan.steps()) {
    whole_ = whole_ || step.id == resource::kLabId;
    for (const auto* spec : {&step.before, &step.after}) {
      if (*spec) {
        reach(**spec);
      }
    }
  }
  for (const resource::Id& gone : plan.implied()) {
    if (const auto found = before_.resources.find(gone); found != before_.resources.end()) {
      reach(found->second.spec);
    }
  }
}

void Scope::reach(const resource::Spec& spec) {
  for (std::string& place : resource::places_of(spec)) {
    reached_.insert(std::move(place));
  }
}

bool Scope::holds(const resource::Spec& spec) const {
  const auto places = resource::places_of(spec);
  return whole_ || places.empty() || std::ranges::any_of(places, [&](const std::string& place) {
           return reached_.contains(place);
         });
}

std::optional<host::Places> Scope::places() const {
  const auto nodes = std::ranges::count_if(desired_.resources, [](const auto& entry) {
    return entry.first.kind == resource::Kind::netns;
  });
  if (whole_ || 2 * std::ssize(reached_) > nodes) {
    return std::nullopt;
  }
  host::Places places = reached_;
  const auto look_at = [&](const resource::Spec& spec) {
    if (std::holds_alternative<resource::Veth>(spec) && holds(spec)) {
      for (std::string& place : resource::places_of(spec)) {
        places.insert(std::move(place));
      }
    }
  };
  for (const auto& [id, entry] : desired_.resources) {
    look_at(entry.spec);
  }
  for (const auto& [id, entry] : before_.resources) {
    look_at(entry.spec);
  }
  return places;
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
