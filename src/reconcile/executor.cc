#include "reconcile/executor.h"

#include <algorithm>
#include <vector>

#include "plan/halves.h"

namespace nslab::reconcile {

using plan::Action;
using plan::Step;

namespace {

// The longest run of steps from `first` on that one call can do: the same action
// and kind, none waiting for another of them.
std::size_t end_of_batch(const std::vector<Step>& steps, std::size_t first) {
  std::size_t end = first + 1;
  while (
      end < steps.size() && steps[end].action == steps[first].action &&
      steps[end].id.kind == steps[first].id.kind &&
      std::ranges::none_of(steps[end].needs, [&](std::size_t before) { return before >= first; })) {
    ++end;
  }
  return end;
}

std::vector<const resource::Spec*> specs(std::span<const Step> steps,
                                         std::optional<resource::Spec> Step::*which) {
  std::vector<const resource::Spec*> found;
  found.reserve(steps.size());
  for (const Step& step : steps) {
    found.push_back(&*(step.*which));
  }
  return found;
}

host::Outcome run_batch(std::span<const Step> steps, host::Host& host) {
  if (steps.front().action == Action::create) {
    return host.create(specs(steps, &Step::after));
  }
  if (steps.front().action == Action::destroy) {
    return host.destroy(specs(steps, &Step::before));
  }
  std::vector<host::Change> changes;
  changes.reserve(steps.size());
  for (const Step& step : steps) {
    changes.push_back({&*step.before, &*step.after});
  }
  return host.change(changes);
}

// The kernel takes a namespace apart some time after its end. Until then the
// cables into it hold their names at their other ends.
bool leaves_names(const Step& step) {
  return step.action == Action::destroy && step.id.kind <= resource::Kind::netns;
}

std::string phase_of(const Step& step) {
  constexpr std::array<const char*, 5> kVerbs{"keep", "create", "change", "replace", "remove"};
  return std::string(kVerbs[static_cast<std::size_t>(step.action)]) + " " +
         std::string(resource::kKindNames[static_cast<std::size_t>(step.id.kind)]);
}

Error blame(const Step& step, Error error) {
  constexpr std::array<const char*, 5> kDoing{
      "keeping", "creating", "changing", "replacing", "removing"};
  if (!error.where.known()) {
    error.where = step.origin;
  }
  return std::move(error).while_doing(std::string(kDoing[static_cast<std::size_t>(step.action)]) +
                                      " " + to_string(step.id));
}

}  // namespace

Result<void> execute(const plan::Plan& plan,
                     host::Host& host,
                     Progress& progress,
                     const Interrupted& interrupted,
                     Profile& profile) {
  const bool simple = plan.count(Action::replace) == 0;
  const std::vector<Step> taken_apart = simple ? std::vector<Step>{} : plan::halves(plan);
  const std::vector<Step>& steps = simple ? plan.steps() : taken_apart;
  bool names_linger = false;
  for (std::size_t first = 0; first < steps.size();) {
    if (interrupted()) {
      return Error{.kind = ErrorKind::interrupted, .message = "interrupted"};
    }
    const std::size_t end = end_of_batch(steps, first);
    const std::span batch(steps.data() + first, end - first);
    if (names_linger && batch.front().action != Action::destroy) {
      const Profile::Timer timer(profile, "settle");
      NSLAB_TRY(host.settle());
      names_linger = false;
    }
    progress.begin(batch, first, steps.size());
    const Profile::Timer timer(profile, phase_of(batch.front()));
    if (auto failure = run_batch(batch, host)) {
      return blame(batch[failure->index], std::move(failure->error));
    }
    names_linger = names_linger || leaves_names(batch.front());
    first = end;
  }
  return {};
}

}  // namespace nslab::reconcile
