#include "support/bench.h"

#include "support/print.h"

namespace nslab::test {

reconcile::Reconciler Bench::reconciler() {
  return {
      host, store, progress_, [this](const std::string& /*lab*/, const state::LabSource& source) {
        return std::optional(said_.at(source.text));
      }};
}

state::LabSource Bench::source_of(const resource::DesiredState& desired, std::string file) {
  if (desired.resources.empty()) {
    return {};  // no file asks for nothing
  }
  const std::string text = print(as_observed(desired));
  said_.insert_or_assign(text, desired);
  return {.file = std::move(file), .text = text};
}

std::optional<reconcile::Failed> Bench::apply(const resource::DesiredState& desired,
                                              reconcile::Reconciler::Options options) {
  reconcile::Report report;
  options.source = source_of(desired, options.source.file);
  return reconciler().apply(desired, options, report);
}

plan::Plan Bench::plan(const resource::DesiredState& desired) {
  auto plan = reconciler().plan(desired, source_of(desired, ""));
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
