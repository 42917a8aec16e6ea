// What nslab found of the host: `nslab doctor`.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "probe/examine.h"
#include "report/style.h"

namespace nslab::report {

// A row for each feature; then, for each that is not simply there, what works
// without it and what to do; then the sum of it.
std::string host_text(const std::vector<probe::Verdict>& verdicts, const Style& style);

nlohmann::ordered_json host_json(const std::vector<probe::Verdict>& verdicts);

}  // namespace nslab::report
