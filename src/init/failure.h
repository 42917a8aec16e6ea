// What went wrong while a node was set up or did what it was asked: text for a
// user, and the errno.
#pragma once

#include <cerrno>
#include <string_view>

namespace nslab::init {

// "`what` `on`": the two parts must outlive it.
struct [[nodiscard]] Failure {
  std::string_view what;
  std::string_view on;
  int error = 0;  // 0 with a `what`: a bad request

  explicit operator bool() const { return !what.empty(); }
};

inline constexpr Failure kSuccess{};

// Of the system call that has just failed.
inline Failure failed(std::string_view what, std::string_view on = "") {
  return {what, on, errno};
}

}  // namespace nslab::init

// Returns from the enclosing function if `expr` is a failure.
#define INIT_TRY(expr)         \
  if (auto failure = (expr)) { \
    return failure;            \
  }                            \
  static_assert(true)
