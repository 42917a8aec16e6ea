#include "report/status.h"

#include <nlohmann/json.hpp>

#include "cli/session.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {
    {"LAB|FILE", "The lab; not needed when there is only one", &Arguments::target, false}};
constexpr Flag kFlags[] = {
    {"--check", "Exit with 3 when the lab is not as it was last brought up", &Arguments::check},
    kAllRows,
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

int show(const std::string& lab, const Arguments& arguments, Console& console) {
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
  const report::StatusView view{
      .lab = lab, .file = record.file(), .live = &*live, .drift = *drift ? &**drift : nullptr};
  console.print(arguments.json
                    ? report::status_json(view).dump(
                          2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                          "\n"
                    : report::status_text(view, console.out(), console.rows(arguments.all)));
  const bool differs = view.drift == nullptr || !view.drift->empty();
  return arguments.check && differs ? kDifferent : kDone;
}

int run(const Arguments& arguments, Console& console) {
  auto lab = find_lab(arguments.target);
  if (!lab) {
    console.fail(lab.error());
    return exit_status(lab.error().kind);
  }
  return show(*lab, arguments, console);
}

}  // namespace

const Command kStatus{"status",
                      "Show a lab as it is now: nodes, services, cables, drift",
                      kPositionals,
                      kFlags,
                      false,
                      run};

}  // namespace nslab::cli
