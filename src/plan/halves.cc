#include "plan/halves.h"

#include <algorithm>

namespace nslab::plan {
namespace {

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

// Where the two halves of each step of the plan have come to stand.
struct Places {
  std::vector<std::size_t> going;
  std::vector<std::size_t> coming;
};

bool goes(const Step& step) {
  return step.action == Action::destroy || step.action == Action::replace;
}

// The steps that take something away, innermost first. Of one kind, what is
// destroyed comes before what is replaced, and that in reverse.
std::vector<std::size_t> order_of_going(const std::vector<Step>& steps) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].action == Action::destroy) {
      order.push_back(i);
    }
  }
  for (std::size_t i = steps.size(); i-- > 0;) {
    if (steps[i].action == Action::replace) {
      order.push_back(i);
    }
  }
  std::ranges::stable_sort(
      order, std::ranges::greater{}, [&](std::size_t i) { return steps[i].id.kind; });
  return order;
}

// Among what comes, and among what is destroyed, edges stay as they are; among
// what is replaced they are reversed for the going.
void connect(const std::vector<Step>& steps, const Places& places, std::vector<Step>& halves) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const std::size_t need : steps[i].needs) {
      if (places.coming[i] != kNowhere && places.coming[need] != kNowhere) {
        halves[places.coming[i]].needs.push_back(places.coming[need]);
      }
      if (places.going[i] == kNowhere || places.going[need] == kNowhere) {
        continue;
      }
      if (steps[need].action == Action::destroy) {
        halves[places.going[i]].needs.push_back(places.going[need]);
      } else {
        halves[places.going[need]].needs.push_back(places.going[i]);
      }
    }
  }
}

}  // namespace

std::vector<Step> halves(const Plan& plan) {
  const std::vector<Step>& steps = plan.steps();
  Places places{std::vector(steps.size(), kNowhere), std::vector(steps.size(), kNowhere)};
  std::vector<Step> halves;
  halves.reserve(steps.size() + plan.count(Action::replace));
  const auto add = [&](const Step& step, Action action) {
    halves.push_back(step);
    halves.back().action = action;
    halves.back().needs.clear();
    return halves.size() - 1;
  };
  for (const std::size_t i : order_of_going(steps)) {
    places.going[i] = add(steps[i], Action::destroy);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].action != Action::destroy) {
      places.coming[i] = add(steps[i], goes(steps[i]) ? Action::create : steps[i].action);
    }
  }
  connect(steps, places, halves);
  return halves;
}

}  // namespace nslab::plan
