// The errors of a lab file as people read them: place, line, caret, hint.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace nslab::report {

// One error. `source` is the text of the file that it is in; the line and the
// caret are left out where it does not have them. Ends with a newline.
//
//   labs/webdb.yaml:14:5: error: node 'web' has an interface 'eth2' already
//     14 |   - web:eth2 -- db:eth1
//        |     ^
//   hint: the first one is on line 9
std::string render(const Error& error,
                   std::string_view source,
                   std::string_view severity = "error");

// All of them, with an empty line between.
std::string render(const Diagnostics& diagnostics, std::string_view source);

}  // namespace nslab::report
