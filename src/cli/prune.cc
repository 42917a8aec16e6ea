#include <algorithm>

#include "base/text.h"
#include "cli/find.h"
#include "cli/session.h"
#include "host/observe.h"
#include "host/residue.h"
#include "report/json_text.h"
#include "report/plan.h"

namespace nslab::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr Flag kFlags[] = {
    {"-y,--yes", "Remove without asking", &Arguments::yes, kOnlyTyped}, kWait, kJson};

// A lab that a command has brought up and nothing has cut short is somebody's.
bool is_owned(const std::string& lab, const state::RecordStore& store) {
  const state::LabRecord record = store.load(lab);
  return record.applied && !record.intended;
}

bool user_agrees(const Arguments& arguments, Console& console) {
  if (arguments.yes) {
    return true;
  }
  if (!console.can_ask()) {
    console.say("nothing was removed; give --yes to remove it");
    return false;
  }
  return console.ask("Remove it?");
}

// Plans the removal of everything of a lab, and with `remove` carries it out.
Result<plan::Plan> take_away(const std::string& lab,
                             const Arguments& arguments,
                             bool remove,
                             Console& console) {
  NSLAB_ASSIGN(session, Session::open(lab, console));
  NSLAB_TRY(session.lock("prune", arguments.wait));
  const resource::DesiredState nothing{.lab = lab};
  if (!remove) {
    return session.reconciler().plan(nothing, {});
  }
  reconcile::Report report;
  if (auto failed =
          session.reconciler().apply(nothing, {.keep_wreck = true, .shown = true}, report)) {
    return std::move(failed->errors.front());
  }
  NSLAB_TRY(session.unlock());
  return std::move(report.plan);
}

int run(const Arguments& arguments, Console& console) {
  const state::RecordStore store(state::default_state_dir());
  Json json = Json::array();
  std::vector<std::string> unowned;
  const auto labs = labs_on_host();
  if (!labs) {
    console.fail(labs.error());
    return kFailed;
  }
  for (const std::string& lab : *labs) {
    const bool owned = is_owned(lab, store);
    if (owned && host::is_lab_mounted(host::Layout(store.directory(), lab))) {
      continue;
    }
    auto plan = take_away(lab, arguments, false, console);
    if (!plan) {
      console.fail(plan.error());
      return kFailed;
    }
    if (owned && !plan->empty()) {
      continue;  // torn by hand: `up` mends it
    }
    unowned.push_back(lab);
    json.push_back({{"lab", lab}, {"plan", report::plan_json(*plan)}});
    if (!arguments.json) {
      console.print(quote(lab) + " is no finished lab:\n" +
                    report::plan_text(*plan, console.out(), console.rows(false)));
    }
  }
  if (arguments.json) {
    console.print(report::json_text(json));
  }
  if (unowned.empty()) {
    host::remove_unused(state::default_state_dir());
    console.say("nothing to prune");
    return kDone;
  }
  if (!user_agrees(arguments, console)) {
    return kDone;
  }
  for (const std::string& lab : unowned) {
    if (auto removed = take_away(lab, arguments, true, console); !removed) {
      console.fail(removed.error());
      return kFailed;
    }
    console.say("removed what was left of " + quote(lab));
  }
  return kDone;
}

}  // namespace

const Command kPrune{
    "prune", "Remove what nslab made and no lab owns any more", {}, kFlags, false, run};

}  // namespace nslab::cli
