#include "reconcile/reconciler.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace nslab::reconcile {
namespace {

Error still_different(const plan::Plan& plan) {
  const plan::Step& step = plan.steps().front();
  std::string message = "the kernel does not have what was asked for: " + to_string(step.id);
  if (!step.reason.empty()) {
    message += " (" + step.reason + ")";
  }
  if (plan.steps().size() > 1) {
    message += ", and " + std::to_string(plan.steps().size() - 1) + " more";
  }
  return Error{
      .kind = ErrorKind::kernel,
      .message = std::move(message),
      .where = step.origin,
      .hint = "something on this host changes it back; 'nslab plan' shows every difference"};
}

// The host is as it was: nothing was done to it yet.
Failed untouched(std::vector<Error> errors) {
  return {.errors = std::move(errors), .rolled_back = true};
}

Failed untouched(Error error) {
  return untouched(std::vector{std::move(error)});
}

bool is_whole(const resource::ObservedState& observed) {
  const auto lab = observed.resources.find(resource::kLabId);
  return lab != observed.resources.end() && lab->second.ours &&
         std::get<resource::Lab>(lab->second.spec).whole;
}

// What a failed apply() goes back to: what the lab was last brought to. A lab
// whose record was lost is kept as it is; the wreck of a command that was cut
// short is not.
resource::DesiredState previous(const state::LabRecord& record,
                                const resource::ObservedState& observed) {
  if (record.applied) {
    return *record.applied;
  }
  resource::DesiredState state{.lab = record.lab};
  if (record.intended || !is_whole(observed)) {
    return state;
  }
  for (const auto& [id, each] : observed.resources) {
    if (each.ours) {
      state.add(each.spec, {});
    }
  }
  return state;
}

bool same(const resource::DesiredState& left, const resource::DesiredState& right) {
  return left.description == right.description &&
         std::ranges::equal(left.resources, right.resources, [](const auto& a, const auto& b) {
           return a.first == b.first && a.second.spec == b.second.spec &&
                  a.second.origin.line == b.second.origin.line &&
                  a.second.origin.column == b.second.origin.column &&
                  a.second.after == b.second.after && a.second.order == b.second.order;
         });
}

// Whether the record says already what it would say again.
bool is_as_recorded(const state::LabRecord& record,
                    const resource::DesiredState& desired,
                    const std::string& file) {
  return record.applied && !record.intended && record.file == file &&
         same(*record.applied, desired);
}

}  // namespace

Result<plan::Plan> Reconciler::plan(const resource::DesiredState& desired) {
  const auto record = store_.load(desired.lab);
  NSLAB_ASSIGN(observed, host_.observe());
  return plan::diff(desired, observed, record && record->applied ? &*record->applied : nullptr);
}

std::optional<Failed> Reconciler::apply(const resource::DesiredState& desired,
                                        const Options& options,
                                        Report& report) {
  const state::LabRecord before = [&] {
    const Profile::Timer timer(report.profile, "record");
    return store_.load(desired.lab).value_or(state::LabRecord{.lab = desired.lab});
  }();
  if (auto obstacles = host_.obstacles(desired); !obstacles.empty()) {
    return untouched(std::move(obstacles));
  }
  if (before.intended) {
    // A command was cut short, perhaps just now: what it took down may still be
    // going. If it stays, making it anew says so better.
    (void)host_.settle();
  }
  const auto observed = [&] {
    const Profile::Timer timer(report.profile, "observe");
    return host_.observe();
  }();
  if (!observed) {
    return untouched(observed.error());
  }
  auto plan = [&] {
    const Profile::Timer timer(report.profile, "diff");
    return plan::diff(desired, *observed, before.applied ? &*before.applied : nullptr);
  }();
  if (!plan.conflicts().empty()) {
    return untouched(plan.conflicts());
  }
  report.plan = plan;
  state::LabRecord record{.lab = desired.lab,
                          .file = options.file.empty() ? before.file : options.file,
                          .boot_id = state::boot_id(),
                          .applied = before.applied};
  const bool changes = !plan.empty();
  if (changes) {
    record.intended = desired;
    if (auto saved = save(record, report); !saved) {
      (void)save(before, report);  // it may be there, only not for certain on the disk
      return untouched(std::move(saved).error());
    }
    if (auto done = converge(desired, std::move(plan), report); !done) {
      if (options.keep_wreck) {
        return Failed{.errors = {std::move(done).error()}};
      }
      return roll_back(std::move(done).error(), before, previous(before, *observed), report);
    }
  }
  if (!changes && is_as_recorded(before, desired, record.file)) {
    return std::nullopt;
  }
  record.intended.reset();
  record.applied = desired;
  if (auto saved = save(record, report); !saved) {
    if (!changes) {
      return untouched(std::move(saved).error());
    }
    if (options.keep_wreck) {
      return Failed{.errors = {std::move(saved).error()}};
    }
    return roll_back(std::move(saved).error(), before, previous(before, *observed), report);
  }
  return std::nullopt;
}

Result<void> Reconciler::converge(const resource::DesiredState& desired,
                                  plan::Plan plan,
                                  Report& report) {
  // Some changes make the kernel drop what depends on them: taking an interface's
  // last address drops its routes. What such a change lost is made in a second
  // pass; what then still differs is an error.
  constexpr int kPasses = 2;
  for (int pass = 0; pass < kPasses && !plan.empty(); ++pass) {
    if (!plan.conflicts().empty()) {
      return plan.conflicts().front();
    }
    NSLAB_TRY(execute(plan, host_, progress_, interrupted_, report.profile));
    {
      const Profile::Timer timer(report.profile, "settle");
      progress_.stage("waiting for the kernel");
      NSLAB_TRY(host_.settle());
    }
    progress_.stage("verifying");
    const Profile::Timer timer(report.profile, "verify");
    NSLAB_ASSIGN(observed, host_.observe());
    plan = plan::diff(desired, observed);
  }
  if (!plan.empty()) {
    return still_different(plan);
  }
  return {};
}

Failed Reconciler::roll_back(Error cause,
                             state::LabRecord before,
                             const resource::DesiredState& target,
                             Report& report) {
  progress_.stage("rolling back");
  // The user's interrupt has done its work: rolling back is not interrupted by it.
  const Interrupted asked = std::exchange(interrupted_, [] { return false; });
  const auto done = [&]() -> Result<void> {
    // What was taken down comes back under the same names. If it stays, making it
    // anew says so better.
    (void)host_.settle();
    NSLAB_ASSIGN(observed, host_.observe());
    NSLAB_TRY(converge(target, plan::diff(target, observed), report));
    before.intended.reset();
    return save(before, report);
  }();
  interrupted_ = asked;
  Failed failed{.errors = {std::move(cause)}, .rolled_back = done.has_value()};
  if (!done) {
    failed.rollback_error = done.error();
  }
  return failed;
}

Result<void> Reconciler::save(const state::LabRecord& record, Report& report) {
  const Profile::Timer timer(report.profile, "record");
  const bool gone = !record.intended && (!record.applied || record.applied->resources.empty());
  return gone ? store_.remove(record.lab) : store_.save(record);
}

}  // namespace nslab::reconcile
