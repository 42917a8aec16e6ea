#include "report/doctor.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/table.h"

namespace nslab::report {
namespace {

using probe::State;
using probe::Verdict;

std::string_view name_of(State state) {
  return probe::kStateNames[static_cast<std::size_t>(state)];
}

Colour colour_of(const Verdict& verdict) {
  switch (verdict.finding.state) {
    case State::present:
      return Colour::green;
    case State::missing:
      return verdict.feature->required ? Colour::red : Colour::yellow;
    default:
      return Colour::yellow;
  }
}

std::string explained(const Verdict& verdict, const Style& style) {
  const probe::Feature& feature = *verdict.feature;
  std::string text = style.paint(colour_of(verdict), std::string(name_of(verdict.finding.state))) +
                     " " + std::string(feature.id) + ": " + std::string(feature.what) +
                     (feature.required ? ", which nslab needs" : "") + "\n";
  if (!verdict.finding.detail.empty()) {
    text += "  found: " + verdict.finding.detail + "\n";
  }
  text += "  still works: " + std::string(feature.without) + "\n";
  text += "  remedy: " + std::string(verdict.remedy()) + "\n";
  return text;
}

std::string summary(const std::vector<Verdict>& verdicts) {
  std::string text;
  for (const State state : {State::present, State::limited, State::missing, State::unknown}) {
    const auto count = std::ranges::count_if(
        verdicts, [&](const Verdict& each) { return each.finding.state == state; });
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(name_of(state));
  }
  return text + (probe::is_ready(verdicts) ? ": this host has what nslab itself needs\n"
                                           : ": this host was not seen to have what nslab itself "
                                             "needs\n");
}

}  // namespace

std::string host_text(const std::vector<Verdict>& verdicts, const Style& style) {
  Table table({"FEATURE", "STATE", "NEEDED", "WHAT", "FOUND"});
  std::string notes;
  for (const Verdict& each : verdicts) {
    table.add({std::string(each.feature->id),
               std::string(name_of(each.finding.state)),
               each.feature->required ? "yes" : "-",
               std::string(each.feature->what),
               each.finding.state == State::present ? each.finding.detail : "see below"});
    if (each.finding.state != State::present) {
      notes += explained(each, style);
    }
  }
  return table.render(style) + "\n" + notes + (notes.empty() ? "" : "\n") + summary(verdicts);
}

nlohmann::ordered_json host_json(const std::vector<Verdict>& verdicts) {
  nlohmann::ordered_json features = nlohmann::ordered_json::array();
  for (const Verdict& each : verdicts) {
    features.push_back({{"id", each.feature->id},
                        {"what", each.feature->what},
                        {"state", name_of(each.finding.state)},
                        {"detail", each.finding.detail},
                        {"required", each.feature->required},
                        {"still-works", each.feature->without},
                        {"remedy", each.remedy()}});
  }
  return {{"ready", probe::is_ready(verdicts)}, {"features", std::move(features)}};
}

}  // namespace nslab::report
