// A lab's live state, for people and for programs.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "host/status.h"
#include "plan/plan.h"
#include "report/style.h"

namespace nslab::report {

struct StatusView {
  std::string lab;
  std::string file;
  const host::LabStatus* live = nullptr;
  // What `up` of what was last applied would do now; null where that is unknown.
  const plan::Plan* drift = nullptr;
};

// Nodes, services, cables and drift as tables. At most `most` rows a table.
std::string status_text(const StatusView& view, const Style& style, std::size_t most);

nlohmann::ordered_json status_json(const StatusView& view);

}  // namespace nslab::report
