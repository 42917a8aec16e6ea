// Where the errors of one lab file go while it is read and resolved.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"
#include "topology/document.h"

namespace nslab::topology {

// A file that is wrong in every line is not worth a message for each.
inline constexpr std::size_t kMaxProblems = 200;

class Problems {
 public:
  Problems(std::shared_ptr<const std::string> file, Diagnostics& diagnostics)
      : file_(std::move(file)), diagnostics_(diagnostics) {}

  // Not YAML, or YAML that a lab file does not use.
  void syntax(Mark mark, std::string message, std::string hint = {}) {
    add(ErrorKind::syntax, mark, std::move(message), std::move(hint));
  }

  // A key or value that the lab file does not have.
  void schema(Mark mark, std::string message, std::string hint = {}) {
    add(ErrorKind::schema, mark, std::move(message), std::move(hint));
  }

  // Well-formed, but it cannot be so.
  void semantic(Mark mark, std::string message, std::string hint = {}) {
    add(ErrorKind::semantic, mark, std::move(message), std::move(hint));
  }

  // What comes now is only counted: a hint that takes a search is not worth it.
  [[nodiscard]] bool full() const { return count_ + 1 >= kMaxProblems; }

  [[nodiscard]] const std::shared_ptr<const std::string>& file() const { return file_; }

 private:
  void add(ErrorKind kind, Mark mark, std::string message, std::string hint);

  std::shared_ptr<const std::string> file_;
  Diagnostics& diagnostics_;
  std::size_t count_ = 0;
};

// "on line 12"
std::string on_line(Mark mark);

}  // namespace nslab::topology
