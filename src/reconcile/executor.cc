#include "reconcile/executor.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <vector>

#include "base/parallel.h"
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

// Whether a namespace ends by this step. What else lives on the ends of cables that moved
// out of it, perhaps in namespaces inside, ends with it, and is in the way until then.
bool ends_namespace(const Step& step) {
  if (step.action == Action::change && step.id.kind == resource::Kind::netns) {
    return !std::get<resource::NetNs>(*step.before).clean;
  }
  return step.action == Action::destroy && step.id.kind <= resource::Kind::netns;
}

bool creates(std::span<const Step> batch, resource::Kind first, resource::Kind last) {
  return batch.front().action == Action::create && batch.front().id.kind >= first &&
         batch.front().id.kind <= last;
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
                                      " " + title_of(step.after ? *step.after : *step.before));
}

// The steps as batches, one after the other.
class Execution {
 public:
  Execution(const std::vector<Step>& steps,
            host::Host& host,
            Progress& progress,
            Profile& profile,
            const Between& between)
      : steps_(steps), host_(host), progress_(progress), profile_(profile), between_(between) {}

  Result<void> run() {
    while (!rest().empty()) {
      NSLAB_TRY(go_on());
      NSLAB_TRY(settle_before(next()));
      const std::size_t network = network_before_nodes();
      NSLAB_TRY(network > 0 ? run_side_by_side(network) : run_next());
      if (between_) {
        NSLAB_TRY(between_(std::span(steps_).first(done_), rest()));
      }
    }
    return confirm_services();
  }

 private:
  [[nodiscard]] Result<void> go_on() const {
    return host_.interrupted() ? interruption() : Result<void>();
  }

  [[nodiscard]] std::span<const Step> rest() const { return std::span(steps_).subspan(done_); }

  [[nodiscard]] std::span<const Step> batch_at(std::size_t first) const {
    return std::span(steps_).subspan(first, end_of_batch(steps_, first) - first);
  }

  [[nodiscard]] std::span<const Step> next() const { return batch_at(done_); }

  Result<void> settle_before(std::span<const Step> batch) {
    if (names_linger_ && batch.front().action != Action::destroy) {
      const Profile::Timer timer(profile_, "settle");
      NSLAB_TRY(host_.settle());  // what it warns of is told at the end
      names_linger_ = false;
    }
    return {};
  }

  Result<void> run_next() {
    const std::span<const Step> batch = next();
    progress_.begin(batch, done_, steps_.size());
    const Profile::Timer timer(profile_, phase_of(batch.front()));
    NSLAB_TRY(finish(batch, run_batch(batch, host_)));
    names_linger_ = names_linger_ || std::ranges::any_of(batch, ends_namespace);
    done_ += batch.size();
    return {};
  }

  // Those that were started side by side with all else have had their time by now.
  Result<void> confirm_services() {
    std::vector<const resource::Spec*> services;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].action == Action::create && steps_[i].id.kind == resource::Kind::service) {
        services.push_back(&*steps_[i].after);
        places.push_back(i);
      }
    }
    if (services.empty()) {
      return {};
    }
    const Profile::Timer timer(profile_, "confirm services");
    if (host::Outcome outcome = host_.confirm(services)) {
      return blame(steps_[places[outcome->index]], std::move(outcome->error));
    }
    return {};
  }

  // How many of the next steps lay the network, where nodes are made after them that need
  // none of it; 0 otherwise.
  [[nodiscard]] std::size_t network_before_nodes() {
    std::size_t end = done_;
    while (end < steps_.size() &&
           creates(rest().subspan(end - done_), resource::Kind::bridge, resource::Kind::route)) {
      ++end;
    }
    if (end == done_ || end == steps_.size() ||
        !creates(batch_at(end), resource::Kind::node, resource::Kind::node)) {
      return 0;
    }
    const bool waits = std::ranges::any_of(batch_at(end), [&](const Step& node) {
      return std::ranges::any_of(node.needs, [&](std::size_t step) { return step >= done_; });
    });
    return waits || !host_.prepare_side_by_side() ? 0 : end - done_;
  }

  // The kernel makes interfaces one at a time, and nodes on all processors.
  Result<void> run_side_by_side(std::size_t network) {
    const std::span<const Step> nodes = batch_at(done_ + network);
    progress_.begin(nodes, done_, steps_.size());
    const Profile::Timer timer(profile_, "create nodes and network");
    host::Outcome nodes_outcome;
    const auto make_nodes = [&] {
      try {
        nodes_outcome = run_batch(nodes, host_);
      } catch (const std::bad_alloc&) {
        nodes_outcome = host::Failure{0, kernel_error("making nodes", ENOMEM)};
      }
    };
    auto maker = try_thread(make_nodes);
    const bool aside = maker.has_value();
    const auto network_laid = lay_network(done_ + network);
    maker.reset();  // has ended
    NSLAB_TRY(network_laid);
    if (!aside) {
      make_nodes();
    }
    done_ += nodes.size();
    return finish(nodes, std::move(nodes_outcome));
  }

  Result<void> lay_network(std::size_t end) {
    while (done_ < end) {
      NSLAB_TRY(go_on());
      const std::span<const Step> batch = next();
      progress_.begin(batch, done_, steps_.size());
      NSLAB_TRY(finish(batch, run_batch(batch, host_)));
      done_ += batch.size();
    }
    return {};
  }

  static Result<void> finish(std::span<const Step> batch, host::Outcome outcome) {
    return outcome ? Result<void>(blame(batch[outcome->index], std::move(outcome->error)))
                   : Result<void>();
  }

  const std::vector<Step>& steps_;
  host::Host& host_;
  Progress& progress_;
  Profile& profile_;
  const Between& between_;
  std::size_t done_ = 0;
  // The kernel takes a namespace apart some time after its end. Until then the
  // cables into it hold their names at their other ends (ends_namespace()).
  bool names_linger_ = false;
};

}  // namespace

Result<void> execute(const plan::Plan& plan,
                     host::Host& host,
                     Progress& progress,
                     Profile& profile,
                     const Between& between) {
  const bool simple = plan.count(Action::replace) == 0;
  const std::vector<Step> taken_apart = simple ? std::vector<Step>{} : plan::halves(plan);
  return Execution(simple ? plan.steps() : taken_apart, host, progress, profile, between).run();
}

}  // namespace nslab::reconcile
