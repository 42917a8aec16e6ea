#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/early_look.h"
#include "cli/session.h"
#include "cli/timing.h"
#include "report/plan.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {
    {"FILE", "The lab file; - for standard input", &Arguments::target, true}};
constexpr Flag kFlags[] = {
    {"--keep", "Leave a lab that failed as it is, for a look", &Arguments::keep},
    kWithoutLimits,
    kWait,
    kJson};

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
         plural(cables, "cable") + " (" + report::plan_summary(plan) + ")\n";
}

Result<Session> open_locked(const std::string& lab, const Arguments& arguments, Console& console) {
  NSLAB_ASSIGN(session, Session::open(lab, console));
  NSLAB_TRY(session.lock("up", arguments.wait));
  return session;
}

int run(const Arguments& arguments, Console& console) {
  reconcile::Report report;
  EarlyLook early(arguments.target, "up", console);
  auto file = [&] {
    const Profile::Timer timer(report.profile, "parse");
    return read_lab_file(arguments, console);
  }();
  if (!file) {
    return kUsage;
  }
  const resource::DesiredState& desired = file->desired;
  const bool looked = early.is_of(desired.lab);
  auto opened =
      looked ? std::optional<Result<Session>>() : open_locked(desired.lab, arguments, console);
  if (opened && !*opened) {
    console.fail(opened->error());
    return kFailed;
  }
  Session& session = looked ? early.session() : **opened;
  const auto failed = session.reconciler().apply(desired,
                                                 {.source = file->source,
                                                  .keep_wreck = arguments.keep,
                                                  .shown = arguments.json,
                                                  .seen = looked ? &early.seen() : nullptr},
                                                 report);
  log_phases(report.profile, console);
  if (failed) {
    explain_failure(*failed, desired.lab, console);
    return exit_status(failed->errors.front().kind);
  }
  if (arguments.json) {
    nlohmann::ordered_json json = {{"lab", desired.lab}};
    json.update(report::plan_json(report.plan));
    console.print(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                  "\n");
  } else if (!arguments.quiet) {
    console.print(outcome(desired, report.plan));
  }
  return kDone;
}

}  // namespace

const Command kUp{"up", "Bring a lab to what its file says", kPositionals, kFlags, false, run};

}  // namespace nslab::cli
