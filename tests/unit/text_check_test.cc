#include "topology/text_check.h"

#include <catch2/catch.hpp>

namespace nslab::topology {
namespace {

// The message and the place of the first fault; empty when there is none.
std::string fault_of(std::string_view text) {
  const auto fault = check_text(text);
  if (!fault) {
    return "";
  }
  const Mark mark = LineIndex(text).at_offset(fault->offset);
  return std::to_string(mark.line) + ":" + std::to_string(mark.column) + " " + fault->message;
}

}  // namespace

TEST_CASE("text check: brackets and quotes inside texts are only letters") {
  CHECK(fault_of("a: it's [not\nb: 5\" {wide\n").empty());
  CHECK(fault_of("a: hello\n  \"world [\n  'so\nb: 1\n").empty());
  CHECK(fault_of("- one\n  [ -f x\n- two\n").empty());
  CHECK(fault_of("a: |\n  [ { \"\n  [\nb: >-\n    '\n\n  {\nc: 1\n").empty());
  CHECK(fault_of("- a: |\n    [\n  b: c\n- |\n [\n").empty());
  CHECK(fault_of("a: [it's, b'c, say \"x] # [ \"\n").empty());
  CHECK(fault_of("a: {b: don 't, c: x}\n").empty());
  CHECK(fault_of("# [ \" '\na: b # [ '\n").empty());
  CHECK(fault_of("a: \"x\\\"[\"\nb: 'it''s ['\n").empty());
  CHECK(fault_of("a: {\"b\":\"]\", 'c':1}\n").empty());
  CHECK(fault_of("\"a [\": 'b {'\n").empty());
  CHECK(fault_of("a: [\n  b, # ]\n  c\n]\n").empty());
}

TEST_CASE("text check: what is not closed is found where it was opened") {
  CHECK(fault_of("a:\n  - \"b\n  - c\n") == "2:5 this quote is never closed");
  CHECK(fault_of("a: 'it''s\n") == "1:4 this quote is never closed");
  CHECK(fault_of("a: [b, {c: d]\n") == "1:13 ']' closes nothing here; '}' has to come first");
  CHECK(fault_of("a: {b: c\nd: e\n") == "1:4 this bracket is never closed");
  CHECK(fault_of("a: {b: \"c}\n") == "1:8 this quote is never closed");
  CHECK(fault_of("- a: |\n    x\n  b: [\n") == "3:6 this bracket is never closed");
}

TEST_CASE("text check: tabs may stand anywhere but in front of a line") {
  CHECK(fault_of("a:\n\tb: 1\n") == "2:1 a tab indents this line");
  CHECK(fault_of("a:\n  \tb: 1\n") == "2:3 a tab indents this line");
  CHECK(fault_of("a:\t1\t# note\n\t\n\t# note\nb: |\n  \tx\n").empty());
}

TEST_CASE("text check: only clean UTF-8 passes") {
  CHECK(fault_of("a: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\r\n").empty());
  CHECK(fault_of("a: \xff") == "1:4 the file is not UTF-8 text");
  CHECK(fault_of("a: \xc0\xaf") == "1:4 the file is not UTF-8 text");
  CHECK(fault_of("a: \xed\xa0\x80") == "1:4 the file is not UTF-8 text");
  CHECK(fault_of("a: \xf4\x90\x80\x80") == "1:4 the file is not UTF-8 text");
  CHECK(fault_of("\xc3\xa4: \xe2\x82") == "1:4 the file is not UTF-8 text");
  CHECK(fault_of(std::string_view("a: \0", 4)) == "1:4 control character U+0000");
  CHECK(fault_of("a\rb") == "1:2 control character U+000D");
  CHECK(fault_of("a: \xc2\x85") == "1:4 control character U+0085");
}

TEST_CASE("text check: hostile texts are refused before the parser sees them") {
  CHECK(fault_of(std::string(kMaxFileBytes + 1, '[')) ==
        "1:1 the file has 1048577 bytes; a lab file has at most 1048576");
  CHECK(fault_of(std::string(kMaxFileBytes, '[')) == "1:33 brackets are nested more than 32 deep");
  CHECK(fault_of(std::string(32, '[') + std::string(32, ']')).empty());
}

TEST_CASE("line index: columns count characters") {
  const LineIndex index("\xc3\xa4\xc3\xb6 b\nc");
  CHECK(index.at(0, 5) == Mark{1, 4});
  CHECK(index.at(1, 0) == Mark{2, 1});
  CHECK(index.at(0, 2) == Mark{1, 2});
  CHECK(index.at(9, 0) == Mark{2, 1});
  CHECK(index.at(1, 9) == Mark{2, 2});
}

TEST_CASE("line index: any place of a long line, in any order") {
  std::string text = "a\n";
  for (int i = 0; i < 500; ++i) {
    text += "\xe2\x82\xac";
  }
  const LineIndex index(text);
  for (std::uint32_t column = 500; column > 0; --column) {
    CHECK(index.at(1, 3 * std::size_t{column} - 3) == Mark{2, column});
    CHECK(index.at_offset(2 + 3 * std::size_t{column} - 3) == Mark{2, column});
  }
}

}  // namespace nslab::topology
