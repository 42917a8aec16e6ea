#include "report/plan.h"

#include "cli/session.h"
#include "cli/take_over.h"
#include "report/json_text.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {
    {"FILE", "The lab file; - for standard input", &Arguments::target, true}};
constexpr Flag kFlags[] = {
    {"--check", "Exit with 3 when there is something to do", &Arguments::check},
    {"--dot", "Print the graph of steps for Graphviz", &Arguments::dot},
    kFull,
    kWithoutLimits,
    kJson};
constexpr Option kOptions[] = {kName};

void print(const Arguments& arguments, const plan::Plan& plan, Console& console) {
  if (arguments.json) {
    console.print(report::json_text(report::plan_json(plan)));
  } else if (arguments.dot) {
    console.print(report::plan_dot(plan));
  } else {
    console.print(report::plan_text(plan, console.out(), console.rows(arguments.full)));
    console.print(arguments.quiet ? "" : report::plan_summary(plan) + "\n");
  }
}

int run(const Arguments& arguments, Console& console) {
  const auto file = read_lab_file(arguments, console);
  if (!file) {
    return kUsage;
  }
  const resource::DesiredState& desired = file->desired;
  auto session = Session::open(desired.lab, console);
  if (!session) {
    console.fail(session.error());
    return kFailed;
  }
  reconcile::Reconciler& reconciler = session->reconciler();
  auto plan = reconciler.plan(desired, file->source);
  if (!plan) {
    console.fail(plan.error());
    return kFailed;
  }
  if (const auto obstacles = reconciler.obstacles(desired, *plan); !obstacles.empty()) {
    console.fail(obstacles);
    return kFailed;
  }
  console.warn(reconciler.warnings(desired, *plan));
  if (const auto refusal =
          TakeOver(session->store().load(desired.lab), *file, arguments.target).refusal(*plan)) {
    console.warn({*refusal});
  }
  print(arguments, *plan, console);
  return arguments.check && !plan->empty() ? kDifferent : kDone;
}

}  // namespace

const Command kPlan{"plan",
                    "Show what up would do, and why; change nothing",
                    kPositionals,
                    kFlags,
                    false,
                    run,
                    kOptions};

}  // namespace nslab::cli
