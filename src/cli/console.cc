#include "cli/console.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/printable.h"
#include "base/text.h"
#include "cli/log.h"
#include "report/diagnostics.h"

namespace nslab::cli {
namespace {

bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return ::isatty(fd) == 1 && !dumb && (no_colour == nullptr || *no_colour == '\0');
}

// The text of the file that an error points into; empty when it cannot be read.
std::string source_of(const Error& error) {
  if (!error.where.known() || error.where.file == nullptr) {
    return "";
  }
  std::ifstream file(*error.where.file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Errors of one cause come in swarms; the first ones tell.
constexpr std::size_t kMostErrors = 20;
constexpr std::size_t kMostRows = 40;

}  // namespace

Console::Console()
    : progress_(::isatty(STDERR_FILENO) == 1),
      out_style_(wants_colour(STDOUT_FILENO)),
      err_style_(wants_colour(STDERR_FILENO)) {}

Console::~Console() {
  clear_progress();
}

void Console::set_verbose(int verbose) {
  verbose_ = verbose;
  progress_ = progress_ && verbose == 0;
  start_log(verbose);
}

void Console::print(std::string_view text) {
  clear_progress();
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

void Console::say(std::string_view text) {
  if (quiet_) {
    return;
  }
  write_error(std::string(text) + "\n");
}

bool Console::can_ask() const {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

bool Console::ask(std::string_view question) {
  (void)std::fflush(stdout);
  write_error(std::string(question) + " [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

void Console::fail(const Error& error) {
  fail(std::vector<Error>{error});
}

void Console::fail(const std::vector<Error>& errors) {
  fail(errors, {});
}

void Console::fail(const std::vector<Error>& errors, std::string_view source) {
  for (std::size_t i = 0; i < errors.size() && i < kMostErrors; ++i) {
    write_error(
        report::render(errors[i], source.empty() ? source_of(errors[i]) : std::string(source)));
  }
  if (errors.size() > kMostErrors) {
    write_error("… and " + plural(errors.size() - kMostErrors, "error") + " more\n");
  }
}

void Console::warn(const std::vector<Error>& warnings) {
  if (quiet_) {
    return;
  }
  for (const Error& warning : warnings) {
    write_error(report::render(warning, source_of(warning), "warning"));
  }
}

std::size_t Console::rows(bool all) const {
  return all ? static_cast<std::size_t>(-1) : kMostRows;
}

bool Console::flush() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

void Console::begin(std::span<const plan::Step> steps, std::size_t done, std::size_t all) {
  const plan::Step& first = steps.front();
  if (verbose_ > 0) {
    for (const plan::Step& step : steps) {
      log_step(plan::kActionNames[static_cast<std::size_t>(step.action)],
               resource::title_of(step.after ? *step.after : *step.before));
    }
  }
  std::string text = "[" + std::to_string(done) + "/" + std::to_string(all) + "] " +
                     std::string(plan::kActionNames[static_cast<std::size_t>(first.action)]) + " ";
  text += steps.size() == 1
              ? resource::title_of(first.after ? *first.after : *first.before)
              : std::to_string(steps.size()) + " × " +
                    std::string(resource::kKindNames[static_cast<std::size_t>(first.id.kind)]);
  show_progress(text);
}

void Console::stage(const char* name) {
  if (verbose_ > 0) {
    log_step("stage", name);
  }
  show_progress(name);
}

// Messages name what nodes name: interfaces, processes, the first line of a command.
void Console::write_error(std::string_view text) {
  clear_progress();
  const std::string shown = escaped(text);
  (void)std::fwrite(shown.data(), 1, shown.size(), stderr);
}

void Console::show_progress(const std::string& text) {
  if (!progress_ || quiet_) {
    return;
  }
  // Back to the line's begin, and what stood there away (ECMA-48 EL).
  (void)std::fprintf(stderr, "\r\x1b[K%s", printable(text).c_str());
  (void)std::fflush(stderr);
  progress_shown_ = true;
}

void Console::clear_progress() {
  if (progress_shown_) {
    (void)std::fputs("\r\x1b[K", stderr);
    progress_shown_ = false;
  }
}

}  // namespace nslab::cli
