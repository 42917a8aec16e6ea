// Prints what services wrote into their logs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"

namespace nslab::cli {

// One service's log, and how far it has been printed.
struct Log {
  std::string service;
  std::string path;
  std::streamoff printed = 0;
  std::string held{};  // read, and not printed: what it means depends on what follows
};

// The logs in a node's directory of them, sorted: all, or one service's.
std::vector<Log> logs_of(const std::string& directory, const std::string& only);

// A service's output is whatever it likes. A terminal gets none of it that it would obey.
class LogPrinter {
 public:
  enum class Form : bool {
    escaped,
    raw
  };

  // With names, each line begins with its service's.
  LogPrinter(Console& console, bool with_names, Form form)
      : console_(console), with_names_(with_names), form_(form) {}

  // What was added. A log that shrank was cut by the node's init to its last part: it is
  // printed from where it now ends.
  void print_new(Log& log);

  // The log's last words, where nothing follows.
  void finish(Log& log);

 private:
  void print(Log& log, std::string_view text);

  Console& console_;
  bool with_names_;
  Form form_;
  const Log* open_ = nullptr;  // whose line has no end yet
};

}  // namespace nslab::cli
