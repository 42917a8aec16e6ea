#include "report/diagnostics.h"

#include <catch2/catch.hpp>

namespace nslab::report {
namespace {

Error error_at(std::uint32_t line, std::uint32_t column) {
  return {.kind = ErrorKind::semantic,
          .message = "no such thing",
          .where = {std::make_shared<const std::string>("lab.yaml"), line, column}};
}

}  // namespace

TEST_CASE("diagnostics: place, line, caret, hint") {
  Error error = error_at(2, 5);
  error.hint = "make one";
  CHECK(render(error, "a: 1\n    b: 2\r\nc: 3\n") ==
        "lab.yaml:2:5: error: no such thing\n"
        "  2 |     b: 2\n"
        "    |     ^\n"
        "hint: make one\n");
}

TEST_CASE("diagnostics: the caret counts characters, and keeps tabs") {
  CHECK(render(error_at(1, 4), "\xc3\xa4\t\xe2\x82\xac x") ==
        "lab.yaml:1:4: error: no such thing\n"
        "  1 | \xc3\xa4\t\xe2\x82\xac x\n"
        "    |  \t ^\n");
}

TEST_CASE("diagnostics: a line that is not there, or far too long, is left out") {
  CHECK(render(error_at(9, 1), "a: 1\n") == "lab.yaml:9:1: error: no such thing\n");
  CHECK(render(error_at(1, 5000), std::string(6000, 'a')) ==
        "lab.yaml:1:5000: error: no such thing\n");
  CHECK(render(error_at(1, 1), std::string(6000, 'a')).size() < 300);
}

TEST_CASE("diagnostics: nothing of a file reaches the terminal as a control character") {
  CHECK(render(error_at(1, 1), "\x1b[31m") ==
        "lab.yaml:1:1: error: no such thing\n"
        "  1 | ?[31m\n"
        "    | ^\n");
}

TEST_CASE("diagnostics: an error without a place has none") {
  CHECK(render(Error{.message = "no such thing"}, "") == "error: no such thing\n");
}

}  // namespace nslab::report
