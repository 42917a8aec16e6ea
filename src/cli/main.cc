// Reads the command line, by the rows of command.h, and runs one command.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <new>

#include <CLI/CLI.hpp>

#include "base/printable.h"
#include "cli/command.h"
#include "cli/complete.h"
#include "cli/interrupt.h"
#include "cli/usage.h"
#include "host/layout.h"
#include "state/record.h"

namespace nslab::cli {
namespace {

constexpr const char* kFooter =
    "A lab file describes nodes and how they are cabled; see labs/ for examples and\n"
    "nslab(1) for everything. Exit status: 0 done, 1 failed, 2 a bad command line or\n"
    "lab file, 3 a difference was found.";

void add_options(CLI::App& sub, const Command& command, Arguments& arguments) {
  for (const Option& each : command.options) {
    std::visit(
        [&](auto target) {
          sub.add_option(std::string(each.name), arguments.*target, std::string(each.help))
              ->option_text(std::string(each.value));
        },
        each.target);
  }
}

CLI::App* add_command(CLI::App& app, const Command& command, Arguments& arguments) {
  CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
  for (const Positional& each : command.positionals) {
    sub->add_option(std::string(each.name), arguments.*each.target, std::string(each.help))
        ->option_text(" ")  // its name says it
        ->required(each.required);
  }
  for (const Flag& each : command.flags) {
    CLI::Option* flag =
        sub->add_flag(std::string(each.names), arguments.*each.target, std::string(each.help));
    if (each.in_environment) {
      flag->envname(variable_of(each.names));
    }
  }
  add_options(*sub, command, arguments);
  sub->footer(std::string(command.notes));
  if (command.takes_words) {
    sub->add_option("COMMAND", arguments.words, "The command and its arguments")
        ->option_text("[ARG...]")
        ->required();
    sub->positionals_at_end();
    sub->prefix_command(false);
  }
  return sub;
}

void add_common_flags(CLI::App& app, Arguments& arguments) {
  app.add_flag(std::string(kVerbose.names), arguments.verbose, std::string(kVerbose.help))
      ->envname(variable_of(kVerbose.names));
  app.add_flag(std::string(kQuiet.names), arguments.quiet, std::string(kQuiet.help))
      ->envname(variable_of(kQuiet.names));
}

// What is opened later must not be taken for a standard stream that the caller closed: an
// error would be printed into it. To use one of these fails as it would with none.
void occupy_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) {
      (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // the lowest is taken
    }
  }
}

// As far as it may be raised; the limit then. It holds at once, for the stack as well.
rlim_t raise_limit(int resource) {
  rlimit limit{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  if (::getrlimit(resource, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(resource, &limit);
  }
  return limit.rlim_cur;
}

// Thousands of namespaces and sockets are open at once in a large lab. A stack that is too
// small ends nslab without a word: that is said while it can be.
bool raise_limits() {
  constexpr rlim_t kLeastStack = rlim_t{256} << 10;
  for (const int resource : {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA}) {
    (void)raise_limit(resource);
  }
  const rlim_t stack = raise_limit(RLIMIT_STACK);
  if (stack < kLeastStack) {
    std::fprintf(stderr,
                 "nslab: error: the stack is limited to %llu KiB here, and nslab takes %llu\n"
                 "hint: run it from a shell without 'ulimit -s %llu'\n",
                 static_cast<unsigned long long>(stack >> 10),
                 static_cast<unsigned long long>(kLeastStack >> 10),
                 static_cast<unsigned long long>(stack >> 10));
  }
  return stack >= kLeastStack;
}

// What to do where there is no memory: often it is the shell that has a limit.
std::string out_of_memory() {
  struct Named {
    int resource;
    const char* flag;
  };

  for (const Named& each : {Named{RLIMIT_AS, "-v"}, Named{RLIMIT_DATA, "-d"}}) {
    rlimit limit{};
    if (::getrlimit(each.resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
      return "the memory of programs is limited here: run it from a shell without 'ulimit " +
             std::string(each.flag) + " " + std::to_string(limit.rlim_cur >> 10) + "'";
    }
  }
  return "'nslab down' removes what is left of a lab";
}

// CLI11 takes a word "[a,b]" for a list: a shell's "[ -f a ]" for " -f a "; and "-/web", a node
// of the lab on standard input, for an option. What could be one begins with a character of
// ours while CLI11 has it.
constexpr char kTheirs = '\x01';

// As CLI11 wants them: the last first.
std::vector<std::string> reversed(std::vector<std::string> words) {
  for (std::string& word : words) {
    if (word.starts_with('[') || word.starts_with("-/") || word.starts_with(kTheirs)) {
      word.insert(word.begin(), kTheirs);
    }
  }
  std::ranges::reverse(words);
  return words;
}

void restore(std::string& word) {
  if (word.starts_with(kTheirs)) {
    word.erase(word.begin());
  }
}

// "help" and "help up" are what many tools have for --help.
std::vector<std::string> typed_words(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.resize(std::min<std::size_t>(words.size(), 1));
    if (words.empty() ||
        std::ranges::find(commands(), words.front(), &Command::name) != commands().end()) {
      words.emplace_back("--help");
    }
  }
  return words;
}

int report_usage(const CLI::ParseError& error, const CLI::App& app, BadLine line) {
  if (error.get_exit_code() == 0) {
    return app.exit(error);  // --help
  }
  line.complaint = error.what();
  line.unexpected = app.remaining(true);
  std::ranges::for_each(line.unexpected, restore);
  if (const auto used = app.get_subcommands(); !used.empty()) {
    line.command = *std::ranges::find(commands(), used.front()->get_name(), &Command::name);
  }
  Console().fail(explain(line));
  return kUsage;
}

int run_command(const Command& command, const Arguments& arguments) {
  Console console;
  console.set_quiet(arguments.quiet);
  console.set_verbose(arguments.verbose);
  watch_interrupts();
  for (const auto& checked : {state::check_state_dir(), host::check_cgroup_parent()}) {
    if (!checked) {
      console.fail(checked.error());
      return kUsage;
    }
  }
  const int status = command.run(arguments, console);
  if (!console.flush()) {
    console.fail(Error{.kind = ErrorKind::kernel, .message = "writing to standard output failed"});
    return kFailed;
  }
  return status;
}

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == kCompleteWord) {
    std::cout << complete({argv + 2, argv + argc});
    return kDone;
  }
  CLI::App app("nslab: network labs from Linux namespaces", "nslab");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  Arguments arguments;
  add_common_flags(app, arguments);
  std::vector<std::pair<CLI::App*, const Command*>> known;
  for (const Command* command : commands()) {
    known.emplace_back(add_command(app, *command, arguments), command);
  }
  app.set_version_flag("-V,--version", "nslab " NSLAB_VERSION);
  const std::vector<std::string> typed = typed_words(argc, argv);
  try {
    app.parse(reversed(typed));
  } catch (const CLI::ParseError& error) {
    return report_usage(error, app, {.typed = typed});
  }
  std::ranges::for_each(arguments.words, restore);
  restore(arguments.target);
  restore(arguments.second);
  for (const auto& [sub, command] : known) {
    if (sub->parsed()) {
      return run_command(*command, arguments);
    }
  }
  return kUsage;
}

}  // namespace
}  // namespace nslab::cli

int main(int argc, char** argv) {
  nslab::cli::occupy_standard_streams();
  // What nslab makes is everybody's to read, also a node's root, whoever runs it.
  (void)::umask(022);
  if (!nslab::cli::raise_limits()) {
    return nslab::cli::kFailed;
  }
  try {
    return nslab::cli::main(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "nslab: error: there is not enough memory\nhint: " << nslab::cli::out_of_memory()
              << "\n";
    return nslab::cli::kFailed;
  } catch (const std::exception& unforeseen) {
    // Errors are values here: what is thrown all the same nobody has thought of.
    std::cerr << "nslab: error: " << nslab::printable(unforeseen.what())
              << "\nhint: this is a fault of nslab; please report it, with the command line and "
                 "the file. 'nslab status' says how the lab is, 'nslab down' takes it away\n";
    return nslab::cli::kFailed;
  }
}
