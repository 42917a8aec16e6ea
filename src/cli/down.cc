#include "base/text.h"
#include "cli/find.h"
#include "cli/session.h"
#include "cli/timing.h"
#include "host/residue.h"
#include "report/json_text.h"
#include "report/plan.h"

namespace nslab::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr Positional kPositionals[] = {
    {"LAB|FILE",
     "The lab, by its name or its file; not needed when there is only one",
     &Arguments::target,
     false}};
constexpr Flag kFlags[] = {
    {"--all", "Every lab on this host; on a terminal it asks", &Arguments::all, kOnlyTyped},
    {"-y,--yes", "Do not ask", &Arguments::yes, kOnlyTyped},
    kWait,
    kJson};

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
    console.print(
        "lab " + quote(lab) +
        (report.plan.empty() ? " was not up; what was left of it is gone\n" : " is gone\n"));
  }
  return kDone;
}

// What was to be done with nothing. What is not there is as gone as it will ever be.
int nothing_to_do(const Error& absent, const Arguments& arguments, Console& console) {
  host::remove_unused(state::default_state_dir());
  console.say(to_string(absent) + ": nothing to do");
  console.print(arguments.json ? "[]\n" : "");
  return kDone;
}

bool user_agrees(const std::vector<std::string>& labs,
                 const Arguments& arguments,
                 Console& console) {
  if (arguments.yes || labs.empty() || !console.can_ask()) {
    return true;
  }
  const state::RecordStore store(state::default_state_dir());
  for (const std::string& lab : labs) {
    console.say("  " + lab + "  " + store.load(lab).file());
  }
  return console.ask("Take " + (labs.size() == 1 ? "this lab" : plural(labs.size(), "lab")) +
                     " away, whole?");
}

int take_down_all(const std::vector<std::string>& labs,
                  const Arguments& arguments,
                  Console& console) {
  Json json = Json::array();
  int status = kDone;
  for (const std::string& lab : labs) {
    status = std::max(status, take_down(lab, arguments, console, json));
  }
  host::remove_unused(state::default_state_dir());
  if (arguments.json) {
    console.print(report::json_text(json));
  }
  return status;
}

int run_all(const Arguments& arguments, Console& console) {
  if (!arguments.target.empty()) {
    console.fail(Error{
        .kind = ErrorKind::usage,
        .message = "--all takes every lab away, and " + quote(arguments.target) + " names one",
        .hint = "give one of the two"});
    return kUsage;
  }
  const auto labs = labs_on_host();
  if (!labs) {
    console.fail(labs.error());
    return kFailed;
  }
  if (labs->empty()) {
    console.say("no lab is up: nothing to do");
  }
  if (!user_agrees(*labs, arguments, console)) {
    console.say("nothing was taken away");
    return kFailed;
  }
  return take_down_all(*labs, arguments, console);
}

int run(const Arguments& arguments, Console& console) {
  if (arguments.all) {
    return run_all(arguments, console);
  }
  const auto lab = find_lab(arguments.target, Purpose::take_away);
  if (!lab) {
    console.fail(lab.error());
    return exit_status(lab.error().kind);
  }
  return lab->absent ? nothing_to_do(*lab->absent, arguments, console)
                     : take_down_all({lab->name}, arguments, console);
}

}  // namespace

const Command kDown{
    "down", "Take a lab away, whole; its file is not needed", kPositionals, kFlags, false, run};

}  // namespace nslab::cli
