#include "report/status.h"

#include "cli/find.h"
#include "cli/session.h"
#include "report/json_text.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {
    {"LAB|FILE[/NODE]",
     "The lab, or one node of it; not needed when there is only one lab",
     &Arguments::target,
     false}};
constexpr Flag kFlags[] = {
    {"--check", "Exit with 3 when the lab is not as it was last brought up", &Arguments::check},
    kFull,
    kJson};

// What has drifted since the last `up`; nothing when its record is lost.
Result<std::optional<plan::Plan>> drift_of(Session& session,
                                           const std::string& lab,
                                           const state::LabRecord& record) {
  if (!record.applied) {
    return std::optional<plan::Plan>();
  }
  std::optional<resource::DesiredState> applied;
  auto seen = look_beside(session.host(), [&] { applied = read_recorded(lab, *record.applied); });
  if (!applied) {
    return std::optional<plan::Plan>();
  }
  NSLAB_ASSIGN(plan, session.reconciler().plan(*applied, *record.applied, seen ? &*seen : nullptr));
  return std::optional<plan::Plan>(std::move(plan));
}

// What there is of one node.
void keep_only(const std::string& node, host::LabStatus& live) {
  std::erase_if(live.nodes, [&](const host::NodeStatus& each) { return each.name != node; });
  std::erase_if(live.cables, [&](const host::CableStatus& each) {
    return each.a.node != node && each.b.node != node;
  });
}

int show(const Place& place, const Arguments& arguments, Console& console) {
  const std::string& lab = place.lab.name;
  auto session = Session::open(lab, console);
  if (!session) {
    console.fail(session.error());
    return kFailed;
  }
  session->host().count_traffic();
  const state::LabRecord record = session->store().load(lab);
  auto drift = drift_of(*session, lab, record);
  if (!drift) {
    console.fail(drift.error());
    return kFailed;
  }
  auto live = session->host().inspect();
  if (!live) {
    console.fail(live.error());
    return kFailed;
  }
  if (!place.node.empty()) {
    keep_only(place.node, *live);
  }
  const report::StatusView view{
      .lab = lab, .file = record.file(), .live = &*live, .drift = *drift ? &**drift : nullptr};
  console.print(arguments.json
                    ? report::json_text(report::status_json(view))
                    : report::status_text(view, console.out(), console.rows(arguments.full)));
  const bool differs = view.drift == nullptr || !view.drift->empty();
  return arguments.check && differs ? kDifferent : kDone;
}

int run(const Arguments& arguments, Console& console) {
  const auto place = find_place(arguments.target);
  if (!place) {
    console.fail(place.error());
    return exit_status(place.error().kind);
  }
  if (place->lab.absent) {
    console.fail(*place->lab.absent);
    return arguments.check ? kDifferent : kFailed;
  }
  return show(*place, arguments, console);
}

}  // namespace

const Command kStatus{"status",
                      "Show a lab as it is now: nodes, services, cables, drift",
                      kPositionals,
                      kFlags,
                      false,
                      run};

}  // namespace nslab::cli
