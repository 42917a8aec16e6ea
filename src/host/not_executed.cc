#include "host/not_executed.h"

#include <cerrno>
#include <string_view>
#include <vector>

#include "base/directory.h"
#include "base/text.h"

namespace nslab::host {
namespace {

// Where a node looks, unless its environment says otherwise.
constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string nearest_program(const std::string& program) {
  std::vector<std::string> known;
  for (const std::string_view directory : split(kPath, ':')) {
    for (std::string& name : names_in(std::string(directory)).value_or({})) {
      known.push_back(std::move(name));
    }
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  return std::string(nearest(program, names));
}

std::string not_found_hint(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return "the node has no such file, or not the interpreter that its first line names; /tmp and "
           "/run are the node's own";
  }
  std::string near = nearest_program(program);
  near = near == program ? "" : std::move(near);  // this host has it, and the node's root not
  return (near.empty() ? "a" : "did you mean " + quote(near) + "? A") +
         " node runs the programs of its root, this host's where the file names no other: what is "
         "installed there it has at once";
}

}  // namespace

std::string not_executed_hint(const std::string& program, int os_error) {
  switch (os_error) {
    case ENOENT:
      return not_found_hint(program);
    case EACCES:
      return "a directory cannot be executed, nor a file without the x bit: 'chmod +x' gives it "
             "one, "
             "'sh FILE' reads a script without";
    case ENOEXEC:
      return "a script begins with #! and its interpreter; 'sh FILE' reads one without";
    case EAGAIN:
      return "the node may have no more processes: raise 'pids' in its limits";
    default:
      return {};
  }
}

}  // namespace nslab::host
