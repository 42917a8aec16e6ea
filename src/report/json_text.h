// JSON as it is printed.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace nslab::report {

// With the end of a line. What terminals take for commands is written as \u009b, which
// JSON demands of some of it only.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace nslab::report
