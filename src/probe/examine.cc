#include "probe/examine.h"

#include <algorithm>

#include "probe/child.h"
#include "probe/remedies.h"

namespace nslab::probe {

std::string_view Verdict::remedy() const {
  if (finding.state == State::present) {
    return {};
  }
  return finding.remedy.empty() ? feature->remedy : std::string_view(finding.remedy);
}

Verdict examine(const Feature& feature) {
  Verdict verdict{&feature, attempt_in(feature.place, [&] { return feature.attempt(feature); })};
  Finding& finding = verdict.finding;
  if (finding.state == State::missing && finding.remedy.empty() && !feature.config.empty()) {
    finding.remedy = kernel_remedy(feature.module, feature.config);
  }
  return verdict;
}

std::vector<Verdict> examine_all() {
  std::vector<Verdict> verdicts;
  verdicts.reserve(features().size());
  for (const Feature& feature : features()) {
    verdicts.push_back(examine(feature));
  }
  return verdicts;
}

Verdict look_for(const Feature& feature) {
  if (feature.sign != nullptr && feature.sign(feature)) {
    return {&feature, {}};
  }
  return examine(feature);
}

bool is_ready(const std::vector<Verdict>& verdicts) {
  return std::ranges::all_of(verdicts, [](const Verdict& each) {
    return !each.feature->required || each.finding.state == State::present ||
           each.finding.state == State::limited;
  });
}

}  // namespace nslab::probe
