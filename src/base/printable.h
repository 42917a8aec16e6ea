// Foreign text on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nslab {

// What can be shown of a line, a byte for a byte: '?' for control characters but
// tabs, and for what is not UTF-8.
std::string printable(std::string_view line);

// The same of a text of any number of lines, with nothing lost: what cannot be shown is
// written as \x1b, \r or \u202e. Lines may end in CR LF.
std::string escaped(std::string_view text);

// How many bytes at the end of a text that goes on say too little yet: the beginning of a
// character, or of the end of a line.
std::size_t unfinished(std::string_view text);

}  // namespace nslab
