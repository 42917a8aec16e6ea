#include "base/text.h"
#include "cli/find.h"
#include "cli/session.h"
#include "cli/take_over.h"
#include "cli/timing.h"
#include "report/json_text.h"
#include "report/plan.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {
    {"FILE", "The lab file; - for standard input", &Arguments::target, true}};
constexpr Flag kFlags[] = {
    {"--keep", "Leave a lab that failed as it is, for a look", &Arguments::keep},
    {"--take-over",
     "Change the lab also where it came from another file, and lose what this one has not",
     &Arguments::take_over,
     kOnlyTyped},
    kWithoutLimits,
    kWait,
    kJson};
constexpr Option kOptions[] = {kName};

std::string outcome(const resource::DesiredState& desired, const plan::Plan& plan) {
  if (plan.empty()) {
    return "lab " + quote(desired.lab) + " is as the file says: nothing to do\n";
  }
  std::size_t nodes = 0;
  std::size_t cables = 0;
  for (const auto& [id, entry] : desired.resources) {
    nodes += id.kind == resource::Kind::node ? 1 : 0;
    cables += id.kind == resource::Kind::veth ? 1 : 0;
  }
  return "lab " + quote(desired.lab) + " is up: " + plural(nodes, "node") + ", " +
         plural(cables, "cable") + " (" + report::plan_done(plan) + ")\n";
}

Result<Session> open_locked(const std::string& lab, bool wait, Console& console) {
  NSLAB_ASSIGN(session, Session::open(lab, console));
  NSLAB_TRY(session.lock("up", wait));
  return session;
}

// The lab that the file last brought up, for a look at it while the file is read. Not where
// another command is at work on it.
std::optional<Session> lock_last(const Arguments& arguments, Console& console) {
  const auto lab = !arguments.name.empty() || arguments.target == "-"
                       ? std::nullopt
                       : lab_of_file(arguments.target);
  if (!lab) {
    return std::nullopt;
  }
  auto session = open_locked(*lab, /*wait=*/false, console);
  return session ? std::optional(*std::move(session)) : std::nullopt;
}

int run(const Arguments& arguments, Console& console) {
  reconcile::Report report;
  std::optional<LabFile> file;
  const auto read = [&] {
    const Profile::Timer timer(report.profile, "parse");
    file = read_lab_file(arguments, console);
  };
  auto last = lock_last(arguments, console);
  std::optional<resource::ObservedState> seen;
  if (last) {
    seen = look_beside(last->host(), read);
  } else {
    read();
  }
  if (!file) {
    return kUsage;
  }
  const resource::DesiredState& desired = file->desired;
  if (!seen || last->lab() != desired.lab) {
    seen.reset();
    last.reset();
  }
  auto opened =
      last ? Result<Session>(*std::move(last)) : open_locked(desired.lab, arguments.wait, console);
  if (!opened) {
    console.fail(opened.error());
    return kFailed;
  }
  Session& session = *opened;
  const TakeOver take_over(session.store().load(desired.lab), *file, arguments.target);
  const auto objection = [&](const plan::Plan& plan) -> std::optional<Error> {
    auto refusal = arguments.take_over ? std::nullopt : take_over.refusal(plan);
    return refusal && take_over.user_agrees(*refusal, console) ? std::nullopt : refusal;
  };
  const auto failed = session.reconciler().apply(desired,
                                                 {.source = file->source,
                                                  .keep_wreck = arguments.keep,
                                                  .shown = arguments.json,
                                                  .seen = seen ? &*seen : nullptr,
                                                  .objection = objection},
                                                 report);
  log_phases(report.profile, console);
  if (failed) {
    explain_failure(*failed, desired.lab, console);
    return exit_status(failed->errors.front().kind);
  }
  if (take_over.origin()) {
    console.say("it came from " + *take_over.origin() + ", and is this file's from now on");
  }
  if (arguments.json) {
    nlohmann::ordered_json json = {{"lab", desired.lab}};
    json.update(report::plan_json(report.plan));
    console.print(report::json_text(json));
  } else if (!arguments.quiet) {
    console.print(outcome(desired, report.plan));
  }
  return kDone;
}

}  // namespace

const Command kUp{
    "up", "Bring a lab to what its file says", kPositionals, kFlags, false, run, kOptions};

}  // namespace nslab::cli
