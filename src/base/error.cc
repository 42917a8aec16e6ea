#include "base/error.h"

#include <string.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

namespace nslab {
namespace {

// Where something has run out, and what it is does not depend on who asked for it.
std::string remedy(int os_error) {
  switch (os_error) {
    case EMFILE:
      return "'ulimit -Hn 4096' in the shell that starts nslab allows more open files";
    case ENOMEM:
      return "end what takes the memory of this host, or of the cgroup that nslab runs in";
    case ENOSPC:
      return "make room where nslab writes: 'df' and 'df -i' show what is full";
    default:
      return {};
  }
}

}  // namespace

Error interruption() {
  return {.kind = ErrorKind::interrupted, .message = "interrupted"};
}

Error kernel_error(std::string what, int os_error) {
  const bool denied = os_error == 1 /*EPERM*/ || os_error == 13 /*EACCES*/;
  return Error{.kind = denied ? ErrorKind::permission : ErrorKind::kernel,
               .message = std::move(what),
               .os_error = os_error,
               .hint = remedy(os_error)};
}

std::string errno_name(int os_error) {
  const char* name = strerrorname_np(os_error);
  return name != nullptr ? name : "errno " + std::to_string(os_error);
}

std::string to_string(const Error& error) {
  std::string text;
  for (auto outer = error.context.rbegin(); outer != error.context.rend(); ++outer) {
    text += *outer + ": ";
  }
  text += error.message;
  if (error.os_error != 0) {
    const char* description = strerrordesc_np(error.os_error);
    text += std::string(": ") + (description != nullptr ? description : "unknown error") + " (" +
            errno_name(error.os_error) + ")";
  }
  return text;
}

void Diagnostics::sort() {
  std::stable_sort(errors_.begin(), errors_.end(), [](const Error& left, const Error& right) {
    return std::tie(left.where.line, left.where.column) <
           std::tie(right.where.line, right.where.column);
  });
}

}  // namespace nslab
