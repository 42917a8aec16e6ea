// Foreign text on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace nslab {

// What can be shown of a line, a byte for a byte: '?' for control characters but
// tabs, and for what is not UTF-8.
std::string printable(std::string_view line);

}  // namespace nslab
