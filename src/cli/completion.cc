// Completion scripts for bash, zsh and fish, written from the rows of commands.
#include <array>

#include "base/text.h"
#include "cli/command.h"
#include "topology/new/new_lab.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {{"SHELL", "bash, zsh or fish", &Arguments::target, true}};

std::string command_names() {
  std::string names;
  for (const Command* command : commands()) {
    names += (names.empty() ? "" : " ") + std::string(command->name);
  }
  return names;
}

// "-f --follow" of "-f,--follow".
std::string flag_names(const Command& command) {
  std::string names = "--help";
  for (const Flag& flag : command.flags) {
    for (const std::string_view name : split(flag.names, ',')) {
      names += " " + std::string(name);
    }
  }
  for (const Option& option : command.options) {
    names += " " + std::string(option.name);
  }
  return names;
}

bool takes(const Command& command, std::string_view what) {
  return !command.positionals.empty() &&
         command.positionals.front().name.find(what) != std::string_view::npos;
}

std::string shape_names() {
  std::string names;
  for (const std::string_view shape : topology::kLabShapes) {
    names += (names.empty() ? "" : " ") + std::string(shape);
  }
  return names;
}

// What a command's first argument is completed with, in bash and zsh.
std::string words_of(const Command& command) {
  if (takes(command, "NODE")) {
    return "$(_nslab_nodes)";
  }
  if (takes(command, "LAB")) {
    return "$(_nslab_labs)";
  }
  if (takes(command, "SHAPE")) {
    return shape_names();
  }
  return takes(command, "SHELL") ? "bash zsh fish" : "";
}

// The names come from the files that every user may list.
constexpr std::string_view kBashHead =
    R"(# bash completion of nslab: source <(nslab completion bash)
_nslab_labs() {
  local dir
  for dir in "${NSLAB_STATE_DIR:-/run/nslab}"/*/; do [ -d "$dir" ] && basename "$dir"; done
}
_nslab_nodes() {
  local dir
  for dir in "${NSLAB_STATE_DIR:-/run/nslab}"/*/nodes/*/; do [ -d "$dir" ] && basename "$dir"; done
}
_nslab() {
  local current=${COMP_WORDS[COMP_CWORD]} command= word files=
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) command=$word; break ;; esac
  done
  local words=
  case $command in
)";

std::string bash_script() {
  std::string text(kBashHead);
  text += "    '') words='" + command_names() + " --help --version' ;;\n";
  for (const Command* command : commands()) {
    text += "    " + std::string(command->name) + ") words=\"" + flag_names(*command);
    const std::string words = words_of(*command);
    text += (words.empty() ? "" : " " + words) + "\"";
    text += takes(*command, "FILE") ? " files=yes ;;\n" : " ;;\n";
  }
  return text +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "  [ -n \"$files\" ] && mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- "
         "\"$current\")\n"
         "  return 0\n"
         "}\n"
         "complete -o filenames -F _nslab nslab\n";
}

std::string zsh_script() {
  return "#compdef nslab\n"
         "# zsh completion of nslab: source <(nslab completion zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_script();
}

std::string fish_script() {
  std::string text =
      "# fish completion of nslab: nslab completion fish | source\n"
      "set -q NSLAB_STATE_DIR; and set -g __nslab_dir $NSLAB_STATE_DIR; or set -g __nslab_dir "
      "/run/nslab\n"
      "complete -c nslab -f\n";
  for (const Command* command : commands()) {
    const std::string name(command->name);
    text += "complete -c nslab -n __fish_use_subcommand -a " + name + " -d '" +
            std::string(command->summary) + "'\n";
    const std::string seen = "complete -c nslab -n '__fish_seen_subcommand_from " + name + "'";
    for (const Flag& flag : command->flags) {
      const std::string_view longest = split(flag.names, ',').back();
      text +=
          seen + " -l " + std::string(longest.substr(2)) + " -d '" + std::string(flag.help) + "'\n";
    }
    for (const Option& option : command->options) {
      text += seen + " -x -l " + std::string(option.name.substr(2)) + " -d '" +
              std::string(option.help) + "'\n";
    }
    if (takes(*command, "NODE")) {
      text += seen + " -a '(basename -a $__nslab_dir/*/nodes/* 2>/dev/null)'\n";
    } else if (takes(*command, "LAB")) {
      text += seen + " -a '(basename -a $__nslab_dir/*/ 2>/dev/null)'\n";
    } else if (const std::string words = words_of(*command); !words.empty()) {
      text += seen + " -a '" + words + "'\n";
    }
    if (takes(*command, "FILE")) {
      text += seen + " -F\n";
    }
  }
  return text;
}

int run(const Arguments& arguments, Console& console) {
  if (arguments.target == "bash") {
    console.print(bash_script());
  } else if (arguments.target == "zsh") {
    console.print(zsh_script());
  } else if (arguments.target == "fish") {
    console.print(fish_script());
  } else {
    console.fail(Error{.kind = ErrorKind::usage,
                       .message = "there is no completion for " + quote(arguments.target),
                       .hint = "bash, zsh or fish"});
    return kUsage;
  }
  return kDone;
}

}  // namespace

const Command kCompletion{
    "completion", "Print a completion script for a shell", kPositionals, {}, false, run};

}  // namespace nslab::cli
