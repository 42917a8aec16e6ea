// The log of -v, on stderr. The only place that knows spdlog.
#pragma once

#include <string_view>

namespace nslab::cli {

// 0: nothing; 1: every step; 2: also what each phase took.
void start_log(int verbosity);

void log_step(std::string_view what, std::string_view object);
void log_detail(std::string_view text);

}  // namespace nslab::cli
