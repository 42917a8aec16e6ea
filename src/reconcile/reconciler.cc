#include "reconcile/reconciler.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <set>
#include <utility>

#include "base/text.h"
#include "reconcile/blame.h"

namespace nslab::reconcile {
namespace {

Error still_different(const plan::Plan& plan) {
  const plan::Step& step = plan.steps().front();
  std::string message = "the kernel does not have what was asked for: " +
                        title_of(step.after ? *step.after : *step.before);
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

bool runs_commands(const plan::Plan& plan) {
  return std::ranges::any_of(plan.steps(), [](const plan::Step& step) {
    return is_command(step) && step.action != plan::Action::destroy;
  });
}

// One for all interfaces is written to each of them, whatever was asked for it: forwarding and
// disable_ipv6 (devinet_sysctl_forward() in net/ipv4/devinet.c, addrconf_fixup_forwarding() in
// net/ipv6/addrconf.c). Whether the lab asks for one of an interface of the same node.
bool may_reset_another(const resource::DesiredState& desired, const plan::Step& step) {
  const auto* sysctl = std::get_if<resource::Sysctl>(step.after ? &*step.after : &*step.before);
  if (sysctl == nullptr || (sysctl->key != "net.ipv4.ip_forward" &&
                            sysctl->key.find(".conf.all.") == std::string::npos)) {
    return false;
  }
  return std::ranges::any_of(desired.resources, [&](const auto& entry) {
    const auto* other = std::get_if<resource::Sysctl>(&entry.second.spec);
    return other != nullptr && other->node == sysctl->node && other->key != sysctl->key &&
           other->key.find(".conf.") != std::string::npos;
  });
}

// The kernel may drop more than such a step says.
bool may_drop(const resource::DesiredState& desired, const plan::Step& step) {
  using resource::Kind;
  return (step.action != plan::Action::create && step.id.kind >= Kind::netns &&
          step.id.kind <= Kind::route) ||
         may_reset_another(desired, step);
}

// The host is as it was: nothing was done to it yet.
Failed untouched(std::vector<Error> errors) {
  return {.errors = std::move(errors), .rolled_back = true};
}

Failed untouched(Error error) {
  return untouched(std::vector{std::move(error)});
}

// Whether a cable is not there, and somebody could have lost something by it: only the
// last file tells one that was lost from one that is new.
bool misses_cables(const resource::DesiredState& desired, const resource::ObservedState& observed) {
  const auto is_setup = [](const auto& entry) { return entry.first.kind == resource::Kind::setup; };
  return std::ranges::any_of(observed.resources, is_setup) &&
         std::ranges::any_of(desired.resources, [&](const auto& entry) {
           return entry.first.kind == resource::Kind::veth &&
                  !observed.resources.contains(entry.first);
         });
}

bool is_whole(const resource::ObservedState& observed) {
  const auto lab = observed.resources.find(resource::kLabId);
  return lab != observed.resources.end() && lab->second.ours &&
         std::get<resource::Lab>(lab->second.spec).whole;
}

}  // namespace

const resource::DesiredState* Reconciler::last_applied(const state::LabRecord& record,
                                                       const resource::DesiredState& desired,
                                                       const state::LabSource& source) {
  if (!record.applied || desired.resources.empty()) {
    return nullptr;  // what goes goes, whoever changed it
  }
  if (*record.applied == source) {
    return &desired;
  }
  last_ = read_(desired.lab, *record.applied);
  return last_ ? &*last_ : nullptr;
}

// What a failed apply() goes back to: what the lab was last brought to. A lab
// whose record was lost is kept as it is; the wreck of a command that was cut
// short is not.
resource::DesiredState Reconciler::previous(const std::string& lab,
                                            const state::LabRecord& record,
                                            const resource::ObservedState& observed) const {
  if (record.applied) {
    if (auto applied = read_(lab, *record.applied)) {
      return *std::move(applied);
    }
  }
  resource::DesiredState state{.lab = lab};
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

// Nobody knows what that lab was brought to. To take it away needs no record.
std::optional<Error> of_another_version(const resource::DesiredState& desired,
                                        const state::LabRecord& record) {
  if (!record.of_another_version || desired.resources.empty()) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::conflict,
               .message = "lab " + quote(desired.lab) +
                          " was brought up by another version of nslab, whose record this one "
                          "does not read",
               .hint = "'nslab down " + desired.lab +
                       "' takes it away, and 'nslab up' then makes "
                       "it anew"};
}

Result<plan::Plan> Reconciler::plan(const resource::DesiredState& desired,
                                    const state::LabSource& source,
                                    resource::ObservedState* seen) {
  const state::LabRecord record = store_.load(desired.lab);
  if (auto refused = of_another_version(desired, record)) {
    return *std::move(refused);
  }
  NSLAB_ASSIGN(observed, seen != nullptr ? std::move(*seen) : host_.observe());
  return plan::diff(desired, observed, last_applied(record, desired, source));
}

std::vector<Error> Reconciler::obstacles(const resource::DesiredState& desired,
                                         const plan::Plan& plan) {
  std::vector<const resource::Desired*> made;
  for (const plan::Step& step : plan.steps()) {
    if (step.after) {
      made.push_back(&desired.resources.at(step.id));
    }
  }
  if (!plan.conflicts().empty()) {
    // What the host says of a conflict names the place, of objects without a step too.
    made.clear();
    for (const auto& [id, entry] : desired.resources) {
      made.push_back(&entry);
    }
  }
  auto found = host_.obstacles(desired, made);
  return found.empty() ? plan.conflicts() : std::move(found);
}

std::vector<Error> Reconciler::warnings(const resource::DesiredState& desired,
                                        const plan::Plan& plan) {
  return plan.count(plan::Action::create) > 0 ? host_.warnings(desired) : std::vector<Error>{};
}

std::optional<Failed> Reconciler::apply(const resource::DesiredState& desired,
                                        const Options& options,
                                        Report& report) {
  const state::LabRecord before = [&] {
    const Profile::Timer timer(report.profile, "record");
    return store_.load(desired.lab);
  }();
  if (auto refused = of_another_version(desired, before)) {
    return untouched(*std::move(refused));
  }
  if (before.intended) {
    // A command was cut short, perhaps just now: what it took down may still be
    // going. If it stays, making it anew says so better.
    (void)host_.settle();
  }
  const auto observed = [&]() -> Result<resource::ObservedState> {
    const Profile::Timer timer(report.profile, "observe");
    if (options.seen != nullptr && !before.intended) {
      return std::move(*options.seen);
    }
    // Where all goes, what there is in it makes no difference, but to who wants to see it
    // and to going back.
    const bool all_goes = desired.resources.empty() && options.keep_wreck && !options.shown;
    return all_goes ? host_.observe(host::Places{}) : host_.observe();
  }();
  if (!observed) {
    return untouched(observed.error());
  }
  report.plan = [&] {
    const Profile::Timer timer(report.profile, "diff");
    const bool asks_last = options.shown || misses_cables(desired, *observed);
    return plan::diff(
        desired, *observed, asks_last ? last_applied(before, desired, options.source) : nullptr);
  }();
  if (report.plan.empty() && report.plan.conflicts().empty() &&
      before == state::LabRecord{.applied = options.source}) {
    return std::nullopt;
  }
  {
    const Profile::Timer timer(report.profile, "check");
    if (auto found = obstacles(desired, report.plan); !found.empty()) {
      return untouched(std::move(found));
    }
    if (auto objected = options.objection ? options.objection(report.plan) : std::nullopt) {
      return untouched(*std::move(objected));
    }
    progress_.warn(warnings(desired, report.plan));
  }
  const bool changes = !report.plan.empty();
  if (auto intended = intend(desired, options.source, before, report); !intended) {
    return untouched(std::move(intended).error());
  }
  auto done = [&]() -> Result<void> {
    try {
      return converge(desired, *observed, report.plan, report);
    } catch (const std::bad_alloc&) {  // what was begun is put back with what the host set aside
      return kernel_error("bringing the lab up", ENOMEM);
    }
  }();
  if (done) {
    done = commit(desired, report);
  }
  if (done) {
    return std::nullopt;
  }
  if (!changes) {
    withdraw(desired.lab, before);
    return untouched(std::move(done).error());
  }
  if (options.keep_wreck) {
    return Failed{.errors = {std::move(done).error()}};
  }
  return roll_back(
      std::move(done).error(), before, previous(desired.lab, before, *observed), report);
}

Result<void> Reconciler::converge(const resource::DesiredState& desired,
                                  const resource::ObservedState& before,
                                  const plan::Plan& first,
                                  Report& report) {
  // Some changes make the kernel drop what depends on them: taking an interface's last
  // address drops its routes. What such a change lost is made in a second pass; what then
  // still differs is an error. Where commands run, that is over before the first of them,
  // so that what they did is never taken for such a loss and undone (decision 20).
  const int passes = runs_commands(first) ? 1 : 2;
  Scope scope(desired, before);
  plan::Plan second;
  const plan::Plan* plan = &first;
  for (int pass = 0; pass < passes && !plan->empty(); ++pass) {
    if (!plan->conflicts().empty()) {
      return plan->conflicts().front();
    }
    scope.reach(*plan);
    NSLAB_TRY(execute(*plan,
                      host_,
                      progress_,
                      report.profile,
                      [&](std::span<const plan::Step> done, std::span<const plan::Step> rest) {
                        return between(desired, before, done, rest, report);
                      }));
    {
      const Profile::Timer timer(report.profile, "settle");
      progress_.stage("waiting for the kernel");
      NSLAB_ASSIGN(warnings, host_.settle());
      progress_.warn(warnings);
    }
    progress_.stage("verifying");
    const Profile::Timer timer(report.profile, "verify");
    NSLAB_ASSIGN(left, left_to_do(desired, scope));
    second = std::move(left);
    plan = &second;
  }
  if (plan->empty()) {
    return {};
  }
  if (auto warnings = drift_by_services(desired, first, *plan)) {
    progress_.warn(*warnings);
    return {};
  }
  return still_different(*plan);
}

Result<void> Reconciler::between(const resource::DesiredState& desired,
                                 const resource::ObservedState& before,
                                 std::span<const plan::Step> done,
                                 std::span<const plan::Step> rest,
                                 Report& report) {
  const bool commands_come = !is_command(done.back()) && !rest.empty() && is_command(rest.front());
  if (commands_come &&
      std::ranges::any_of(done, [&](const plan::Step& step) { return may_drop(desired, step); })) {
    Scope scope(desired, before);
    for (const plan::Step& step : done) {
      scope.reach(step);
    }
    NSLAB_TRY(host_.settle());
    NSLAB_ASSIGN(left, left_before_commands(desired, scope, rest));
    return execute(left, host_, progress_, report.profile);
  }
  const auto nodes = nodes_of_last_setups(done);
  if (nodes.empty() || (!rest.empty() && runs_setup(rest.front()))) {
    return {};
  }
  const Profile::Timer timer(report.profile, "verify");
  Scope scope(desired, before);
  for (const std::string& node : nodes) {
    scope.reach(desired.resources.at(resource::node_id(node)).spec);
  }
  NSLAB_ASSIGN(left, left_before_commands(desired, scope, rest));
  if (auto error = broken_by_setup(desired, nodes, left)) {
    return *std::move(error);
  }
  return {};
}

Result<plan::Plan> Reconciler::left_before_commands(const resource::DesiredState& desired,
                                                    const Scope& scope,
                                                    std::span<const plan::Step> rest) {
  const auto places = scope.places();
  NSLAB_ASSIGN(observed, places ? host_.observe(*places) : host_.observe());
  resource::DesiredState part = scope.part_of(desired);
  resource::ObservedState found = scope.part_of(std::move(observed));
  std::set<resource::Id> later;
  for (const plan::Step& step : rest) {
    later.insert(step.id);
  }
  const auto is_later = [&](const auto& entry) {
    return entry.first.kind >= resource::Kind::setup || later.contains(entry.first);
  };
  std::erase_if(part.resources, is_later);
  std::erase_if(found.resources, is_later);
  return plan::diff(part, found);
}

// What still differs where the plan has reached.
Result<plan::Plan> Reconciler::left_to_do(const resource::DesiredState& desired,
                                          const Scope& scope) {
  const auto places = scope.places();
  if (!places) {
    NSLAB_ASSIGN(observed, host_.observe());
    return plan::diff(desired, observed);
  }
  NSLAB_ASSIGN(observed, host_.observe(*places));
  return plan::diff(scope.part_of(desired), scope.part_of(std::move(observed)));
}

Failed Reconciler::roll_back(Error cause,
                             const state::LabRecord& before,
                             const resource::DesiredState& target,
                             Report& report) {
  progress_.stage("rolling back");
  // The user's interrupt has done its work: rolling back is not interrupted by it.
  host_.release_reserve();
  host_.heed_interrupts(false);
  const auto done = [&]() -> Result<void> {
    // What was taken down comes back under the same names. If it stays, making it
    // anew says so better.
    (void)host_.settle();
    NSLAB_ASSIGN(observed, host_.observe());
    const auto* last = before.applied ? &target : nullptr;
    NSLAB_TRY(converge(target, observed, plan::diff(target, observed, last), report));
    const Profile::Timer timer(report.profile, "record");
    return before.applied && !target.resources.empty() ? restore(target.lab, *before.applied)
                                                       : store_.remove(target.lab);
  }();
  host_.heed_interrupts(true);
  Failed failed{.errors = {std::move(cause)},
                .rolled_back = done.has_value(),
                .put_back = done.has_value(),
                .gone = target.resources.empty()};
  if (!done) {
    failed.rollback_error = done.error();
  }
  return failed;
}

Result<void> Reconciler::intend(const resource::DesiredState& desired,
                                const state::LabSource& source,
                                const state::LabRecord& before,
                                Report& report) {
  const Profile::Timer timer(report.profile, "record");
  if (desired.resources.empty()) {
    return store_.intend_nothing(desired.lab);
  }
  auto written = store_.intend(desired.lab, source);
  if (!written) {
    withdraw(desired.lab, before);  // it may be there, only not for certain on the disk
  }
  return written;
}

// Writes only where it has to: the disk may be full.
Result<void> Reconciler::restore(const std::string& lab, const state::LabSource& applied) {
  if (store_.load(lab).applied == applied) {
    return store_.withdraw(lab);
  }
  NSLAB_TRY(store_.intend(lab, applied));
  return store_.commit(lab);
}

// A lab that another command left unfinished stays so.
void Reconciler::withdraw(const std::string& lab, const state::LabRecord& before) {
  if (!before.intended) {
    (void)store_.withdraw(lab);
  }
}

Result<void> Reconciler::commit(const resource::DesiredState& desired, Report& report) {
  const Profile::Timer timer(report.profile, "record");
  return desired.resources.empty() ? store_.remove(desired.lab) : store_.commit(desired.lab);
}

}  // namespace nslab::reconcile
