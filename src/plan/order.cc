// The last stage of diff(): from what becomes of each object to a plan.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "plan/differ.h"
#include "plan/graph.h"
#include "resource/difference.h"
#include "resource/resource.h"

namespace nslab::plan {

using resource::Id;

namespace {

// Destroys come first, innermost first; then everything else, outermost first.
std::uint64_t priority(const Step& step, std::uint32_t declared) {
  const auto kind = static_cast<std::uint64_t>(step.id.kind);
  const std::uint64_t phase = step.action == Action::destroy
                                  ? resource::kKindNames.size() - kind
                                  : resource::kKindNames.size() + 1 + kind;
  return phase << 32U | declared;
}

// `step` lives in `other`, depends on it or waits for it. What is destroyed goes
// before that; what is made comes after it.
void connect(const std::vector<Step>& steps, std::size_t step, std::size_t other, Graph& graph) {
  const bool goes = steps[step].action == Action::destroy;
  const bool other_goes = steps[other].action == Action::destroy;
  if (goes && (other_goes || steps[other].action == Action::replace)) {
    graph.add_edge(step, other);
  } else if (!goes && !other_goes) {
    graph.add_edge(other, step);
  }
}

// Objects that wait for each other cannot be made at all.
Error circle(const std::vector<Step>& steps, const std::vector<std::size_t>& cycle) {
  std::vector<std::string> names;
  for (const std::size_t step : cycle) {
    names.push_back(to_string(steps[step].id));
  }
  names.push_back(names.front());
  return Error{.kind = ErrorKind::internal,
               .message = "objects wait for each other: " + join(names, " -> "),
               .where = steps[cycle.front()].origin};
}

}  // namespace

bool Differ::is_drift(const Entry& entry) const {
  if (last_ == nullptr || entry.desired == nullptr || entry.gone_with_container) {
    return false;
  }
  const bool as_asked = entry.observed != nullptr &&
                        resource::differences(entry.observed->spec, entry.desired->spec).empty();
  if (as_asked) {
    return false;  // it goes because something else does
  }
  const auto before = last_->resources.find(*entry.id);
  return before != last_->resources.end() && before->second.spec == entry.desired->spec;
}

Step Differ::step_for(const Entry& entry) const {
  Step step{.action = entry.action, .id = *entry.id};
  if (entry.observed != nullptr && !entry.gone_with_container) {
    step.before = entry.before ? entry.before : entry.observed->spec;
  }
  if (entry.desired != nullptr) {
    step.after = entry.desired->spec;
    step.origin = entry.desired->origin;
  }
  step.drift = is_drift(entry);
  step.reason = entry.reason;
  if (step.drift && entry.observed == nullptr) {
    step.reason = "missing";
  }
  return step;
}

std::vector<const Entry*> Differ::neighbours(const Entry& entry) const {
  std::vector<const Entry*> found;
  const Interfaces& interfaces =
      entry.desired != nullptr ? desired_interfaces_ : observed_interfaces_;
  const auto look_up = [&](const std::vector<Id>& ids) {
    for (const Id& id : ids) {
      if (const Entry* other = find(id, interfaces)) {
        found.push_back(other);
      }
    }
  };
  look_up(containers_of(entry.spec()));
  look_up(dependencies_of(entry.spec()));
  if (entry.desired != nullptr) {
    look_up(entry.desired->after);
  }
  return found;
}

Plan Differ::order() {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  Plan plan;
  plan.conflicts_ = std::move(conflicts_);
  std::vector<Step> steps;
  std::vector<std::uint64_t> priorities;
  std::vector<std::size_t> step_of(entries_.size(), kNone);
  steps.reserve(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (entry.action != Action::keep) {
      step_of[i] = steps.size();
      steps.push_back(step_for(entry));
      const std::uint32_t declared = entry.desired != nullptr ? entry.desired->order : 0;
      priorities.push_back(priority(steps.back(), declared));
    } else if (entry.desired != nullptr) {
      ++plan.kept_;
    } else if (entry.gone_with_container) {
      plan.implied_.push_back(*entry.id);
    }
  }
  Graph graph(steps.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (step_of[i] == kNone) {
      continue;
    }
    for (const Entry* other : neighbours(entries_[i])) {
      const std::size_t theirs = step_of[static_cast<std::size_t>(other - entries_.data())];
      if (theirs != kNone) {
        connect(steps, step_of[i], theirs, graph);
      }
    }
  }
  arrange(std::move(steps), graph, graph.order(priorities), plan);
  return plan;
}

void Differ::arrange(std::vector<Step> steps,
                     const Graph& graph,
                     const std::vector<std::size_t>& sequence,
                     Plan& plan) {
  if (sequence.size() < steps.size()) {
    plan.conflicts_.push_back(circle(steps, graph.cycle()));
  }
  std::vector<std::size_t> place(steps.size());
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    place[sequence[i]] = i;
  }
  plan.steps_.reserve(sequence.size());
  for (const std::size_t step : sequence) {
    for (const std::size_t before : graph.before(step)) {
      steps[step].needs.push_back(place[before]);
    }
    plan.steps_.push_back(std::move(steps[step]));
  }
}

}  // namespace nslab::plan
