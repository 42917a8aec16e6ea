// A plan for people, for programs, and as a graph for Graphviz.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "plan/plan.h"
#include "report/style.h"

namespace nslab::report {

// A line a step, "~ veth:web/eth0  mtu 1500 → 9000", then the counts. At most
// `most` lines of steps; the rest is counted.
std::string plan_text(const plan::Plan& plan, const Style& style, std::size_t most);

// "3 to create, 1 to change; 40 as they are", or "nothing to do".
std::string plan_summary(const plan::Plan& plan);
// The same of a plan that was carried out: "3 created, 1 changed; 4 as they are".
std::string plan_done(const plan::Plan& plan);

// What there is now and will not be, or not as it was: "remove nodes pc1 and pc2, restart
// node r1". Empty where all stays.
std::string plan_losses(const plan::Plan& plan);

// {"steps": [{"action": "change", "id": ..., "reason": ..., "drift": false,
//             "before": {"kind": "bridge", ...}, "after": {...}, ...}],
//  "counts": {...}}
nlohmann::ordered_json plan_json(const plan::Plan& plan);

// The steps and what each waits for, in the DOT language.
std::string plan_dot(const plan::Plan& plan);

}  // namespace nslab::report
