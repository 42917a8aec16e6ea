#include "cli/log.h"

#include <memory>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/printable.h"

namespace nslab::cli {

void start_log(int verbosity) {
  if (verbosity == 0) {
    return;
  }
  auto logger = std::make_shared<spdlog::logger>(
      "nslab", std::make_shared<spdlog::sinks::stderr_color_sink_st>());
  logger->set_pattern("%H:%M:%S.%e %v");
  logger->set_level(verbosity > 1 ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log_step(std::string_view what, std::string_view object) {
  spdlog::info("{} {}", what, printable(object));
}

void log_detail(std::string_view text) {
  spdlog::info("{}", printable(text));
}

}  // namespace nslab::cli
