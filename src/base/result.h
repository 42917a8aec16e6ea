// Result<T>: a value or an Error.
//
// A subset of C++23 std::expected, with its names, so that it can be replaced
// by it when the compiler has it (g++ 12 offers it only with -std=c++23).
#pragma once

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

namespace nslab {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)

  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }

  explicit operator bool() const { return has_value(); }

  T& operator*() & { return value(); }

  const T& operator*() const& { return value(); }

  T&& operator*() && { return std::move(value()); }

  T* operator->() { return &value(); }

  const T* operator->() const { return &value(); }

  T& value() {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }

  const T& value() const {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }

  T value_or(T other) && { return has_value() ? std::move(value()) : std::move(other); }

  Error& error() {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }

  const Error& error() const {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;

  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return !error_.has_value(); }

  explicit operator bool() const { return has_value(); }

  Error& error() { return *error_; }

  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

// Returns from the enclosing function if `expr` failed.
#define NSLAB_TRY(expr)                          \
  do {                                           \
    if (auto try_result = (expr); !try_result) { \
      return std::move(try_result).error();      \
    }                                            \
  } while (false)

// Declares `name` from the value of `expr`, or returns its error.
#define NSLAB_ASSIGN(name, expr)             \
  auto name##_result = (expr);               \
  if (!name##_result) {                      \
    return std::move(name##_result).error(); \
  }                                          \
  auto name = *std::move(name##_result)

}  // namespace nslab
