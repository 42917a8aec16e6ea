// What is told of a command that could not be executed in a node.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace nslab::cli {

// `target` is the node as it was typed, `cause` why execve(2) refused the first of `words`.
Error explain_not_executed(const std::string& target,
                           const std::vector<std::string>& words,
                           const Error& cause);

}  // namespace nslab::cli
