// What is told of a command line that cannot be read: what is wrong with it, and what to
// type instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/command.h"

namespace nslab::cli {

struct BadLine {
  std::string complaint;                  // of the parser
  const Command* command = nullptr;       // null: there is none, or none of ours
  std::vector<std::string> typed{};       // the words after the program's name
  std::vector<std::string> unexpected{};  // those that the command does not take
};

// NSLAB_JSON, which stands for --json.
std::string variable_of(std::string_view flag);

Error explain(const BadLine& line);

}  // namespace nslab::cli
