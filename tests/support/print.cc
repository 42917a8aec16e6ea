#include "support/print.h"

#include "resource/json.h"

namespace nslab::test {

std::string print(const plan::Plan& plan) {
  std::string text;
  for (const plan::Step& step : plan.steps()) {
    text += std::string(plan::kActionSymbols[static_cast<std::size_t>(step.action)]) + " " +
            to_string(step.id);
    if (!step.reason.empty() || step.drift) {
      const char* const comma = !step.reason.empty() && step.drift ? ", " : "";
      text += " (" + step.reason + comma + (step.drift ? "drift" : "") + ")";
    }
    text += "\n";
  }
  for (const resource::Id& id : plan.implied()) {
    text += ". " + to_string(id) + "\n";
  }
  for (const Error& conflict : plan.conflicts()) {
    text += "! " + conflict.message + "\n";
  }
  return text;
}

std::string print(const resource::ObservedState& state) {
  std::string text;
  for (const auto& [id, observed] : state.resources) {
    text += (observed.ours ? "" : "foreign ") + resource::to_json_text(observed.spec) + "\n";
  }
  return text;
}

resource::ObservedState as_observed(const resource::DesiredState& desired) {
  resource::ObservedState observed;
  for (const auto& [id, each] : desired.resources) {
    observed.add(each.spec);
  }
  return observed;
}

}  // namespace nslab::test
