#include "support/bench.h"

namespace nslab::test {

reconcile::Reconciler Bench::reconciler() {
  return {host, store, progress_, [this] {
            return interrupted_at.has_value() && host.touched() >= *interrupted_at;
          }};
}

std::optional<reconcile::Failed> Bench::apply(const resource::DesiredState& desired,
                                              const reconcile::Reconciler::Options& options) {
  reconcile::Report report;
  return reconciler().apply(desired, options, report);
}

plan::Plan Bench::plan(const resource::DesiredState& desired) {
  auto plan = reconciler().plan(desired);
  return plan ? *std::move(plan) : plan::Plan{};
}

std::string to_string(const reconcile::Failed& failed) {
  std::string text;
  for (const Error& error : failed.errors) {
    text += (text.empty() ? "" : "; ") + to_string(error);
  }
  if (failed.rollback_error) {
    text += "; not rolled back: " + to_string(*failed.rollback_error);
  }
  return text;
}

resource::ObservedState foreign_of(const resource::ObservedState& state) {
  resource::ObservedState foreign;
  for (const auto& [id, observed] : state.resources) {
    if (!observed.ours) {
      foreign.add(observed.spec, false);
    }
  }
  return foreign;
}

}  // namespace nslab::test
