// The text of a record. Private to this module and its tests: others use record.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "state/record.h"

namespace nslab::state {

std::string to_text(const LabRecord& record);

// Nothing for what is damaged or of another version.
std::optional<LabRecord> from_text(std::string_view text);

// The text of a record whose body, one line of JSON, this is: with its sum.
std::string with_header(std::string_view body);

}  // namespace nslab::state
