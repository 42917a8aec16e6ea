// Signals by name.
#pragma once

#include <string_view>

namespace nslab::init {

// "TERM", "SIGTERM" or "15"; SIGTERM for what is none.
int signal_number(std::string_view name);

}  // namespace nslab::init
