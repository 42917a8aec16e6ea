#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/session.h"
#include "cli/timing.h"
#include "host/residue.h"
#include "report/plan.h"

namespace nslab::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr Positional kPositionals[] = {
    {"LAB|FILE",
     "The lab, by its name or its file; not needed when there is only one",
     &Arguments::target,
     false}};
constexpr Flag kFlags[] = {{"--all", "Every lab on this host", &Arguments::all}, kWait, kJson};

// Takes one lab away. Its exit status; what was done goes into `json`.
int take_down(const std::string& lab, const Arguments& arguments, Console& console, Json& json) {
  auto session = Session::open(lab, console);
  if (!session) {
    console.fail(session.error());
    return kFailed;
  }
  if (auto locked = session->lock("down", arguments.wait); !locked) {
    console.fail(locked.error());
    return kFailed;
  }
  reconcile::Report report;
  const resource::DesiredState nothing{.lab = lab};
  const auto failed =
      session->reconciler().apply(nothing, {.keep_wreck = true, .shown = arguments.json}, report);
  log_phases(report.profile, console);
  if (failed) {
    explain_failure(*failed, lab, console);
    return kFailed;
  }
  if (auto unlocked = session->unlock(); !unlocked) {
    console.fail(unlocked.error());
    return kFailed;
  }
  Json entry = {{"lab", lab}};
  entry.update(report::plan_json(report.plan));
  json.push_back(std::move(entry));
  if (!arguments.json && !arguments.quiet) {
    console.print(report.plan.empty() ? "lab " + quote(lab) + " is not up: nothing to do\n"
                                      : "lab " + quote(lab) + " is gone\n");
  }
  return kDone;
}

Result<std::vector<std::string>> chosen_labs(const Arguments& arguments) {
  if (arguments.all) {
    return labs_on_host();
  }
  NSLAB_ASSIGN(lab, find_lab(arguments.target));
  return std::vector<std::string>{lab};
}

int run(const Arguments& arguments, Console& console) {
  auto labs = chosen_labs(arguments);
  if (!labs && labs.error().kind == ErrorKind::not_found) {
    // What is not there is as gone as it will ever be.
    host::remove_unused(state::default_state_dir());
    console.say(to_string(labs.error()) + ": nothing to do");
    console.print(arguments.json ? "[]\n" : "");
    return kDone;
  }
  if (!labs) {
    console.fail(labs.error());
    return exit_status(labs.error().kind);
  }
  Json json = Json::array();
  int status = kDone;
  for (const std::string& lab : *labs) {
    status = std::max(status, take_down(lab, arguments, console, json));
  }
  host::remove_unused(state::default_state_dir());
  if (arguments.json) {
    console.print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  return status;
}

}  // namespace

const Command kDown{
    "down", "Take a lab away, whole; its file is not needed", kPositionals, kFlags, false, run};

}  // namespace nslab::cli
