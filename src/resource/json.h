// Resources as JSON: in the record, in what a node's init remembers, and in
// --json output. Written and read from the same rows of fields.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "resource/spec.h"

namespace nslab::resource {

// {"kind": "bridge", "name": "front", "mtu": 1500, ...}
nlohmann::ordered_json to_json(const Spec& spec);

// The inverse. Strict: a missing, surplus or mistyped field is an error, so that
// a record of another version is never half understood.
Result<Spec> from_json(const nlohmann::json& json);

// The same as one line of text.
std::string to_json_text(const Spec& spec);
Result<Spec> from_json_text(std::string_view text);

}  // namespace nslab::resource
