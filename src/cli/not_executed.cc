#include "cli/not_executed.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <string_view>

#include "base/text.h"
#include "host/not_executed.h"

namespace nslab::cli {
namespace {

// What shells know and no file is there for.
constexpr std::array<std::string_view, 18> kBuiltins{".",
                                                     "alias",
                                                     "bg",
                                                     "cd",
                                                     "eval",
                                                     "exec",
                                                     "exit",
                                                     "export",
                                                     "fg",
                                                     "for",
                                                     "if",
                                                     "jobs",
                                                     "set",
                                                     "source",
                                                     "ulimit",
                                                     "umask",
                                                     "unset",
                                                     "while"};

// A word of the command line as a shell reads it back.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
    return word;
  }
  std::string quoted = "'";
  for (const char each : word) {
    quoted += each == '\'' ? std::string("'\\''") : std::string(1, each);
  }
  return quoted + "'";
}

std::string line_of(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  std::ranges::transform(words, std::back_inserter(quoted), shell_word);
  return join(quoted, " ");
}

bool is_assignment(const std::string& word) {
  const std::size_t equals = word.find('=');
  return equals != std::string::npos && equals > 0 && word.find('/') > equals;
}

std::string hint(const std::string& target,
                 const std::vector<std::string>& words,
                 const Error& cause) {
  const std::string& first = words.front();
  const std::string begin = "nslab exec " + target + " -- ";
  if (cause.os_error != ENOENT) {
    return host::not_executed_hint(first, cause.os_error);
  }
  if (first.empty()) {
    return "its name is empty: a variable that is not set, perhaps";
  }
  if (first.starts_with('-')) {
    return "options of exec stand before the node: nslab exec " + first + " " + target +
           " -- COMMAND";
  }
  if (first.find_first_of("|&;<>()$`*?~\"'\\{}\n") != std::string::npos) {
    return "a shell has to read it: " + begin + "sh -c " + shell_word(join(words, " "));
  }
  if (first.find_first_of(" \t") != std::string::npos) {
    return "it is one word; without its quotes it is a command and its arguments: " + begin +
           join(words, " ");
  }
  if (is_assignment(first)) {
    return begin + "env " + line_of(words);
  }
  if (std::ranges::find(kBuiltins, first) != kBuiltins.end()) {
    return "only shells know it: " + begin + "sh -c " + shell_word(line_of(words));
  }
  return host::not_executed_hint(first, cause.os_error);
}

}  // namespace

Error explain_not_executed(const std::string& target,
                           const std::vector<std::string>& words,
                           const Error& cause) {
  Error error = cause;
  if (cause.os_error == ENOENT) {
    error.message = quote(words.front()) + " is not found in node " + quote(target);
    error.os_error = 0;
  }
  error.hint = hint(target, words, cause);
  return error;
}

}  // namespace nslab::cli
