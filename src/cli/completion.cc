// Completion scripts: each asks nslab itself what can stand there (complete.h).
#include <errno.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>

#include "base/text.h"
#include "cli/command.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {{"SHELL", "bash, zsh or fish", &Arguments::target, true}};

// _command_offset is of the package bash-completion.
constexpr std::string_view kBash =
    R"(# bash completion of nslab: source <(nslab completion bash)
_nslab() {
  local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]/#\~/$HOME} line word about lines=()
  COMPREPLY=()
  type -P "$program" >/dev/null || program=@PROGRAM@
  mapfile -t lines < <("$program" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for line in "${lines[@]}"; do
    word=${line%%$'\t'*} about=${line#*$'\t'}
    case $word in
      :command)
        if declare -F _command_offset >/dev/null; then
          _command_offset $((about + 1))
        elif ((COMP_CWORD == about + 1)); then
          mapfile -t COMPREPLY < <(compgen -c -- "$current")
        else
          compopt -o filenames 2>/dev/null || :
          mapfile -t COMPREPLY < <(compgen -f -- "$current")
        fi
        ;;
      :yaml)
        compopt -o filenames 2>/dev/null || :
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
          compgen -d -- "$current"
          compgen -f -X '!*.yaml' -- "$current"
          compgen -f -X '!*.yml' -- "$current"
        )
        ;;
      "$current"*) COMPREPLY+=("$word") ;;
    esac
  done
}
complete -F _nslab nslab
)";

constexpr std::string_view kZsh =
    R"(#compdef nslab
# zsh completion of nslab: source <(nslab completion zsh), or as a file _nslab in $fpath
_nslab() {
  local line word about program=${~words[1]}
  local -a given candidates
  whence -p -- $program >/dev/null || program=@PROGRAM@
  given=("${(@Q)words[2,CURRENT-1]}" "$PREFIX")
  for line in "${(@f)$($program __complete "${given[@]}" 2>/dev/null)}"; do
    word=${line%%$'\t'*} about=${line#*$'\t'}
    case $word in
      :command) shift $((about + 1)) words; ((CURRENT -= about + 1)); _normal; return ;;
      :yaml) _files -g '*.(yaml|yml)' ;;
      ?*) candidates+=("${word//:/\\:}:$about") ;;
    esac
  done
  (($#candidates)) && _describe -t nslab 'nslab' candidates
}
if [[ $funcstack[1] == _nslab ]]; then
  _nslab "$@"
else
  (($+functions[compdef])) || { autoload -Uz compinit && compinit -u -D; }
  compdef _nslab nslab
fi
)";

constexpr std::string_view kFish =
    R"(# fish completion of nslab: nslab completion fish | source
function __nslab_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    type -q $program; or set program @PROGRAM@
    for line in ($program __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':command*'
                set -l first (math (string split \t -- $line)[2] + 2)
                complete -C (string join ' ' -- (string escape -- $words[$first..-1]) "$current")
            case ':yaml'
                __fish_complete_path "$current" | string match -r '^.*(?:/|\.ya?ml)(?:\t.*)?$'
            case '*'
                echo $line
        end
    end
end
complete -c nslab -f -a '(__nslab_complete)'
)";

struct Script {
  std::string_view shell;
  std::string_view text;
};

constexpr std::array kScripts{Script{"bash", kBash}, Script{"zsh", kZsh}, Script{"fish", kFish}};

// The scripts call the program by the name on the command line that they complete. Where that
// is none that the shell finds, it is the one that wrote the script, unless by its bare name.
std::string own_path() {
  std::error_code unknown;
  const bool bare = std::string_view(program_invocation_name).find('/') == std::string_view::npos;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const bool plain = path.string().find_first_of("'\\\n") == std::string::npos;
  return bare || unknown || !plain ? "nslab" : quote(path.string());
}

std::string with_program(std::string text) {
  constexpr std::string_view kPlace = "@PROGRAM@";
  return text.replace(text.find(kPlace), kPlace.size(), own_path());
}

int run(const Arguments& arguments, Console& console) {
  const auto* script = std::ranges::find(kScripts, arguments.target, &Script::shell);
  if (script == kScripts.end()) {
    console.fail(Error{.kind = ErrorKind::usage,
                       .message = "there is no completion for " + quote(arguments.target),
                       .hint = "bash, zsh or fish"});
    return kUsage;
  }
  console.print(with_program(std::string(script->text)));
  return kDone;
}

}  // namespace

const Command kCompletion{
    "completion", "Print a completion script for a shell", kPositionals, {}, false, run};

}  // namespace nslab::cli
