// Reads the command line, by the rows of command.h, and runs one command.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <new>
#include <optional>

#include <CLI/CLI.hpp>

#include "base/printable.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/complete.h"
#include "cli/interrupt.h"
#include "host/layout.h"
#include "state/record.h"

namespace nslab::cli {
namespace {

constexpr const char* kFooter =
    "A lab file describes nodes and how they are cabled; see labs/ for examples and\n"
    "nslab(1) for everything. Exit status: 0 done, 1 failed, 2 a bad command line or\n"
    "lab file, 3 a difference was found.";

// NSLAB_JSON stands for --json.
std::string environment_name(std::string_view flag) {
  std::string name = "NSLAB_";
  for (const char each : flag.substr(flag.rfind("--") + 2)) {
    name += each == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(each)));
  }
  return name;
}

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
      flag->envname(environment_name(each.names));
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
      ->envname(environment_name(kVerbose.names));
  app.add_flag(std::string(kQuiet.names), arguments.quiet, std::string(kQuiet.help))
      ->envname(environment_name(kQuiet.names));
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

// Thousands of namespaces and sockets are open at once in a large lab.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// CLI11 takes a word "[a,b]" for a list: a shell's "[ -f a ]" for " -f a ". What could
// be one begins with a character of ours while CLI11 has it.
constexpr char kNoList = '\x01';

// As CLI11 wants them: the last first, without the program.
std::vector<std::string> reversed_words(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  for (std::string& word : words) {
    if (word.starts_with('[') || word.starts_with(kNoList)) {
      word.insert(word.begin(), kNoList);
    }
  }
  std::ranges::reverse(words);
  return words;
}

void restore(std::string& word) {
  if (word.starts_with(kNoList)) {
    word.erase(word.begin());
  }
}

// What stands where a command does, and is none.
std::optional<std::string> no_command(int argc, char** argv, const CLI::App& app) {
  const auto* word = std::find_if(argv + std::min(argc, 1), argv + argc, [](const char* each) {
    return !std::string_view(each).starts_with('-');
  });
  return word != argv + argc && app.get_subcommands().empty() ? std::optional<std::string>(*word)
                                                              : std::nullopt;
}

int report_no_command(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Command* command : commands()) {
    names.push_back(command->name);
  }
  const std::string_view near = nearest(word, names);
  std::cerr << "nslab: error: there is no command " << quote(word) << "\nhint: "
            << (near.empty() ? "'nslab --help' lists the commands"
                             : "did you mean " + quote(near) + "?")
            << "\n";
  return kUsage;
}

int report_usage(const CLI::ParseError& error, const CLI::App& app) {
  if (error.get_exit_code() == 0) {
    return app.exit(error);  // --help
  }
  std::cerr << "nslab: error: " << error.what() << "\nhint: ";
  if (const auto used = app.get_subcommands(); !used.empty()) {
    std::cerr << "'nslab " << used.front()->get_name() << " --help' shows how it is used\n";
  } else {
    std::cerr << "'nslab --help' lists the commands, 'nslab COMMAND --help' their options\n";
  }
  return kUsage;
}

int run_command(const Command& command, const Arguments& arguments) {
  Console console;
  console.set_quiet(arguments.quiet);
  console.set_verbose(arguments.verbose);
  watch_interrupts();
  raise_descriptor_limit();
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
  app.set_version_flag("--version", "nslab " NSLAB_VERSION);
  try {
    app.parse(reversed_words(argc, argv));
  } catch (const CLI::ParseError& error) {
    const auto word = no_command(argc, argv, app);
    return word && error.get_exit_code() != 0 ? report_no_command(*word) : report_usage(error, app);
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
  try {
    return nslab::cli::main(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "nslab: error: there is not enough memory\nhint: 'nslab down' removes what is "
                 "left of a lab\n";
    return nslab::cli::kFailed;
  } catch (const std::exception& unforeseen) {
    // Errors are values here: what is thrown all the same nobody has thought of.
    std::cerr << "nslab: error: " << nslab::printable(unforeseen.what())
              << "\nhint: this is a fault of nslab; please report it, with the command line and "
                 "the file. 'nslab status' says how the lab is, 'nslab down' takes it away\n";
    return nslab::cli::kFailed;
  }
}
