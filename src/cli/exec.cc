#include <unistd.h>

#include "cli/find.h"
#include "cli/not_executed.h"
#include "cli/session.h"
#include "host/enter.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {{"[LAB/]NODE",
                                        "The node; its lab's name where several labs have one",
                                        &Arguments::target,
                                        true}};

// `nslab exec -it web bash` is what many fingers type.
constexpr Flag kFlags[] = {
    {"-i,--interactive", "Accepted; input is always passed on", &Arguments::accepted},
    {"-t,--tty", "Accepted; a terminal is used where there is one", &Arguments::accepted}};

int run_in_node(const std::string& target,
                const std::vector<std::string>& words,
                Console& console) {
  const auto name = find_node(target);
  if (!name) {
    console.fail(name.error());
    return exit_status(name.error().kind);
  }
  const host::Layout layout(state::default_state_dir(), name->lab);
  auto ended = host::run_in_node(layout, name->node, words);
  if (!ended) {
    console.fail(ended.error());
    return kFailed;
  }
  if (ended->not_executed) {
    console.fail(explain_not_executed(target, words, *ended->not_executed));
  }
  return ended->status;
}

int run_exec(const Arguments& arguments, Console& console) {
  std::vector<std::string> words = arguments.words;
  if (!words.empty() && words.front() == "--") {
    words.erase(words.begin());
  }
  if (words.empty()) {
    console.fail(Error{.kind = ErrorKind::usage,
                       .message = "exec needs a command",
                       .hint = "nslab exec NODE -- CMD [ARG…]"});
    return kUsage;
  }
  return run_in_node(arguments.target, words, console);
}

int run_shell(const Arguments& arguments, Console& console) {
  // What the node has is known in the node only: a lower directory of its own may
  // be without bash. Without a terminal it reads commands as a script is read.
  const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  const std::string option = terminal ? " -i" : "";
  return run_in_node(arguments.target,
                     {"/bin/sh",
                      "-c",
                      "if command -v bash >/dev/null; then exec bash" + option + "; else exec sh" +
                          option + "; fi"},
                     console);
}

}  // namespace

const Command kExec{"exec",
                    "Run a command in a node; its exit status is the command's",
                    kPositionals,
                    kFlags,
                    true,
                    run_exec};

const Command kShell{
    "shell", "Open an interactive shell in a node", kPositionals, {}, false, run_shell};

}  // namespace nslab::cli
