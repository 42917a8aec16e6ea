// What can stand where the user pressed TAB: the one place that knows, for the scripts of
// every shell.
#pragma once

#include <string>
#include <vector>

namespace nslab::cli {

// `words` are those after the program's name, up to the one that is being typed, which may be
// empty. A line for each candidate: the word, a tab, and what it is. A line may also ask the
// shell for what the shell knows better:
//   :yaml      files that may be lab files, and directories on the way to them
//   :command N what completes the command line that begins after N of the words
std::string complete(const std::vector<std::string>& words);

}  // namespace nslab::cli
