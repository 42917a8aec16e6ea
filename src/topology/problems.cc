#include "topology/problems.h"

#include "base/text.h"

namespace nslab::topology {

void Problems::add(ErrorKind kind, Mark mark, std::string message, std::string hint) {
  if (++count_ > kMaxProblems) {
    return;
  }
  if (count_ == kMaxProblems) {
    message = "there are more errors than the " + plural(kMaxProblems - 1, "error") + " shown";
    hint.clear();
  }
  diagnostics_.add({.kind = kind,
                    .message = std::move(message),
                    .where = {file_, mark.line, mark.column},
                    .hint = std::move(hint)});
}

std::string on_line(Mark mark) {
  return "on line " + std::to_string(mark.line);
}

}  // namespace nslab::topology
