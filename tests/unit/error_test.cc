#include "base/error.h"

#include <cerrno>

#include <catch2/catch.hpp>

#include "base/result.h"

using namespace nslab;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) {
    return Error{.kind = ErrorKind::usage, .message = "odd"};
  }
  return number / 2;
}

Result<int> quarter(int number) {
  NSLAB_ASSIGN(once, half(number));
  NSLAB_TRY(half(once));
  return half(once);
}

}  // namespace

TEST_CASE("error: a kernel error says what, in words and by name") {
  CHECK(to_string(kernel_error("opening 'x'", ENOENT)) ==
        "opening 'x': No such file or directory (ENOENT)");
  CHECK(to_string(kernel_error("opening 'x'", 4242)) == "opening 'x': unknown error (errno 4242)");
  CHECK(kernel_error("", EPERM).kind == ErrorKind::permission);
  CHECK(kernel_error("", EACCES).kind == ErrorKind::permission);
  CHECK(kernel_error("", ENOENT).kind == ErrorKind::kernel);
}

TEST_CASE("error: context reads from the outside in") {
  CHECK(to_string(Error{.message = "no"}.while_doing("inner").while_doing("outer")) ==
        "outer: inner: no");
}

TEST_CASE("error: diagnostics read as the file does") {
  Diagnostics diagnostics;
  CHECK(diagnostics.ok());
  diagnostics.add({.message = "third", .where = {nullptr, 2, 1}});
  diagnostics.add({.message = "second", .where = {nullptr, 1, 9}});
  diagnostics.add({.message = "first", .where = {nullptr, 1, 2}});
  diagnostics.add({.message = "fourth", .where = {nullptr, 2, 1}});
  diagnostics.sort();
  std::string order;
  for (const Error& error : diagnostics.errors()) {
    order += error.message + " ";
  }
  CHECK(order == "first second third fourth ");
}

TEST_CASE("result: a value or the first error") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(6).error().message == "odd");
  CHECK(quarter(3).error().kind == ErrorKind::usage);
  CHECK(Result<void>{}.has_value());
  CHECK_FALSE(Result<void>{Error{}});
}
