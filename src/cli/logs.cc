#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/directory.h"
#include "base/text.h"
#include "cli/find.h"
#include "cli/interrupt.h"
#include "cli/log_printer.h"
#include "cli/session.h"
#include "host/layout.h"

namespace nslab::cli {
namespace {

namespace fs = std::filesystem;

constexpr Positional kPositionals[] = {
    {"[LAB/]NODE",
     "The node; its lab's name where several labs have one",
     &Arguments::target,
     true},
    {"SERVICE",
     "One service, setup or syslog; all of the node's when left out",
     &Arguments::second,
     false}};
constexpr Flag kFlags[] = {
    {"-f,--follow", "Go on printing what is added", &Arguments::follow},
    {"--raw",
     "Print it as it was written, also what a terminal would obey; else that is escaped",
     &Arguments::raw}};

// Whether there is more than one log to tell apart: an empty one may get lines later.
bool are_several(const std::vector<Log>& logs, bool follow) {
  return std::ranges::count_if(logs, [&](const Log& log) {
           std::error_code absent;
           return follow || fs::file_size(log.path, absent) > 0;
         }) > 1;
}

Result<void> follow(std::vector<Log>& logs, LogPrinter& printer, Console& console) {
  const UniqueFd watch(::inotify_init1(IN_CLOEXEC));
  if (!watch.valid()) {
    return kernel_error("watching the logs", errno);
  }
  for (const Log& log : logs) {
    if (::inotify_add_watch(watch.get(), log.path.c_str(), IN_MODIFY | IN_DELETE_SELF) < 0) {
      return kernel_error("watching " + quote(log.path), errno);
    }
  }
  const auto still_there = [](const Log& log) { return ::access(log.path.c_str(), F_OK) == 0; };
  for (;;) {
    // Before the first wait too: something may have come before the watch stood.
    for (Log& log : logs) {
      printer.print_new(log);
    }
    if (std::ranges::none_of(logs, still_there) || !console.flush() ||
        !wait_readable(watch.get())) {
      return {};  // the lab is gone, the reader is gone, or the user wants to end
    }
    std::array<char, 4096> events{};
    if (::read(watch.get(), events.data(), events.size()) < 0) {
      return kernel_error("watching the logs", errno);
    }
  }
}

Error no_logs(const std::string& directory, const Arguments& arguments) {
  std::vector<std::string> known;
  for (const Log& log : logs_of(directory, "")) {
    known.push_back(log.service);
  }
  if (arguments.second.empty() || known.empty()) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "node " + quote(arguments.target) +
                            " has no log: nothing of 'services' or 'setup' has run in it"};
  }
  return Error{
      .kind = ErrorKind::not_found,
      .message = "node " + quote(arguments.target) + " has no log " + quote(arguments.second),
      .hint = "its logs are " + join(known, ", ")};
}

Result<void> check_readable(const std::vector<Log>& logs) {
  for (const Log& log : logs) {
    if (::access(log.path.c_str(), R_OK) != 0 && errno != ENOENT) {  // its lab may be going
      Error error = kernel_error("reading " + quote(log.path), errno);
      error.hint =
          error.kind == ErrorKind::permission ? "run it as root, with sudo for example" : "";
      return error;
    }
  }
  return {};
}

int run(const Arguments& arguments, Console& console) {
  const auto name = find_node(arguments.target);
  if (!name) {
    console.fail(name.error());
    return exit_status(name.error().kind);
  }
  const host::Layout layout(state::default_state_dir(), name->lab);
  const std::string directory = layout.log_dir(name->node);
  std::vector<Log> logs = logs_of(directory, arguments.second);
  if (logs.empty()) {
    console.fail(no_logs(directory, arguments));
    return kFailed;
  }
  if (auto readable = check_readable(logs); !readable) {
    console.fail(readable.error());
    return kFailed;
  }
  LogPrinter printer(console,
                     are_several(logs, arguments.follow),
                     arguments.raw ? LogPrinter::Form::raw : LogPrinter::Form::escaped);
  for (Log& log : logs) {
    printer.print_new(log);
    if (!arguments.follow) {
      printer.finish(log);
    }
  }
  if (!arguments.follow) {
    return kDone;
  }
  if (auto followed = follow(logs, printer, console); !followed) {
    console.fail(followed.error());
    return kFailed;
  }
  std::ranges::for_each(logs, [&](Log& log) { printer.finish(log); });
  return kDone;
}

}  // namespace

const Command kLogs{"logs",
                    "Print what a node's services and setup commands printed",
                    kPositionals,
                    kFlags,
                    false,
                    run};

}  // namespace nslab::cli
