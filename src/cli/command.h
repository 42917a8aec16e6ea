// The commands as rows. From them come the parser, the help, the completion
// scripts and the man page's list. A new command is a file with its row and its
// function, and a line in commands.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/console.h"

namespace nslab::cli {

// What was typed, of all commands together.
struct Arguments {
  std::string target;              // FILE, LAB, or [LAB/]NODE
  std::string second;              // SERVICE, SHELL
  std::vector<std::string> words;  // the command of exec

  std::string name;  // of the lab

  std::string subnet;  // these are of new
  std::optional<std::uint32_t> nodes;
  std::optional<std::uint32_t> fanout;
  std::optional<std::uint32_t> leaves;
  std::optional<std::uint32_t> spines;
  std::optional<std::uint32_t> hosts;

  bool accepted = false;  // for flags that say what is so anyway
  bool all = false;
  bool check = false;
  bool dot = false;
  bool follow = false;
  bool full = false;
  bool json = false;
  bool keep = false;
  bool raw = false;
  bool reference = false;
  bool take_over = false;
  bool wait = false;
  bool without_limits = false;
  bool yes = false;

  bool quiet = false;
  int verbose = 0;
};

struct Flag {
  std::string_view names;  // "-f,--follow"
  std::string_view help;
  bool Arguments::*target;
  // Whether a variable NSLAB_... can stand for it. None does for what takes something away
  // or agrees to that: such a word has to be typed.
  bool in_environment = true;
};

inline constexpr bool kOnlyTyped = false;

// A flag with a value.
struct Option {
  std::string_view name;   // "--nodes"
  std::string_view value;  // "N"
  std::string_view help;
  std::variant<std::string Arguments::*, std::optional<std::uint32_t> Arguments::*> target;
};

struct Positional {
  std::string_view name;  // "FILE"
  std::string_view help;
  std::string Arguments::*target;
  bool required;
};

// Exit statuses, as docs/nslab.1 lists them.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kDifferent = 3;

struct Command {
  std::string_view name;
  std::string_view summary;  // one line of the help, an imperative
  std::span<const Positional> positionals;
  std::span<const Flag> flags;
  bool takes_words;  // everything from the first non-flag on belongs to the words
  int (*run)(const Arguments& arguments, Console& console);
  std::span<const Option> options = {};
  std::string_view notes = {};  // what the help says below everything else
};

// In the order of the help.
std::span<const Command* const> commands();

// What every command takes.
struct CommonFlag {
  std::string_view names;
  std::string_view help;
};

inline constexpr CommonFlag kVerbose{"-v,--verbose", "Log each step, and what each phase took"};
inline constexpr CommonFlag kQuiet{"-q,--quiet", "No progress, warnings or verdicts"};
inline constexpr CommonFlag kHelp{"-h,--help", "Print this help message and exit"};
inline constexpr std::array kCommonFlags{kVerbose, kQuiet, kHelp};

// What completion scripts call: nslab __complete [WORD...] CURRENT. See complete.h.
inline constexpr std::string_view kCompleteWord = "__complete";

// Flags that several commands take.
inline constexpr Flag kJson{"--json", "Print JSON", &Arguments::json};
inline constexpr Flag kFull{"--full", "Print every row, however many", &Arguments::full};
inline constexpr Flag kWait{
    "--wait", "Wait for another command on the same lab to end", &Arguments::wait};
inline constexpr Flag kWithoutLimits{"--without-limits",
                                     "Ignore the file's limits, where this host cannot set them",
                                     &Arguments::without_limits,
                                     kOnlyTyped};
inline constexpr Option kName{
    "--name", "NAME", "Call the lab so, whatever the file says", &Arguments::name};

extern const Command kUp;
extern const Command kDown;
extern const Command kPlan;
extern const Command kValidate;
extern const Command kLs;
extern const Command kStatus;
extern const Command kExec;
extern const Command kShell;
extern const Command kLogs;
extern const Command kPrune;
extern const Command kDoctor;
extern const Command kNew;
extern const Command kSchema;
extern const Command kVersion;
extern const Command kCompletion;

}  // namespace nslab::cli
