// What went wrong, where in the user's file, and what to do about it.
//
// Functions that can fail return Result<T>. Only src/cli prints errors;
// everything below it returns them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace nslab {

// A place in a lab file. Lines and columns start at 1, as editors count them;
// 0 means that the place is not known. The name is shared: a lab of a thousand
// nodes has tens of thousands of positions in one file.
struct SourcePos {
  std::shared_ptr<const std::string> file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  [[nodiscard]] bool known() const { return line != 0; }
};

enum class ErrorKind : std::uint8_t {
  usage,        // the command line is wrong
  syntax,       // the file is not YAML, or not the subset that nslab reads
  schema,       // unknown key, wrong type, value out of range
  semantic,     // well-formed but contradictory: overlapping subnets, a cycle
  not_found,    // no such lab, node, service or file
  conflict,     // the host has something of that name which nslab did not make
  permission,   // a missing capability or an unmapped user
  missing,      // the host lacks a feature that the lab needs
  kernel,       // a system call or netlink request failed; os_error says how
  node,         // a command or service of a node failed
  interrupted,  // the user asked to stop
  internal,     // a bug in nslab
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;                 // what failed, in the user's terms
  SourcePos where{};                   // known whenever a line of YAML caused it
  int os_error = 0;                    // errno; only with ErrorKind::kernel
  std::string hint{};                  // the next thing to try, if known
  std::vector<std::string> context{};  // innermost first: "creating veth r1:eth1"
  std::string output{};                // what a failed command of a node printed

  // Adds what the caller was doing. Returns *this so that it can be returned.
  Error&& while_doing(std::string what) && {
    context.push_back(std::move(what));
    return std::move(*this);
  }
};

// A failed system call: `what` in the user's terms, `os_error` the errno. Where that
// says what has run out, the hint says how to get more.
Error kernel_error(std::string what, int os_error);

// The user asked to stop, and what was under way did.
Error interruption();

// The symbolic name of an errno ("EPERM"), or its number where it has none.
std::string errno_name(int os_error);

// One line: "context: message: Operation not permitted (EPERM)". The position,
// the source line and the hint are added by report/, which can read the file.
std::string to_string(const Error& error);

// Every error of one lab file, in the order in which they were found.
class Diagnostics {
 public:
  void add(Error error) { errors_.push_back(std::move(error)); }

  [[nodiscard]] bool ok() const { return errors_.empty(); }

  [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }

  // Orders by position, so that the list reads as the file does.
  void sort();

 private:
  std::vector<Error> errors_;
};

}  // namespace nslab
