// What the process list shows of a node's init: "nslab-init webdb.web".
#pragma once

#include <string_view>

namespace nslab::init {

// The area of the arguments, from the first one's start to the last one's end.
void keep_title_area(char* begin, const char* end);

// Cut to the area.
void set_title(std::string_view node);

}  // namespace nslab::init
