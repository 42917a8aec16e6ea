#include "topology/document.h"

#include <catch2/catch.hpp>

namespace nslab::topology {
namespace {

std::string outline(const Value& value) {
  const std::string mark =
      "@" + std::to_string(value.mark.line) + ":" + std::to_string(value.mark.column);
  std::string text;
  switch (value.kind) {
    case Value::Kind::null:
      return "null" + mark;
    case Value::Kind::scalar:
      return (value.quoted ? "\"" + value.text + "\"" : value.text) + mark;
    case Value::Kind::sequence:
      for (const Value& item : value.items) {
        text += (text.empty() ? "" : " ") + outline(item);
      }
      return "[" + text + "]" + mark;
    case Value::Kind::mapping:
      for (const Entry& entry : value.entries) {
        text += (text.empty() ? "" : " ") + entry.key + "=" + outline(entry.value);
      }
      return "{" + text + "}" + mark;
  }
  return text;
}

// The tree, or the errors when there is none to go on with.
std::string read(std::string_view text) {
  Diagnostics diagnostics;
  const auto document = read_document(text, "lab.yaml", diagnostics);
  std::string result = document ? outline(document->root) : "";
  for (const Error& error : diagnostics.errors()) {
    result += "!" + std::to_string(error.where.line) + ":" + std::to_string(error.where.column) +
              " " + error.message;
  }
  return result;
}

}  // namespace

TEST_CASE("document: every value knows where it stands") {
  CHECK(read("a: 1\nb: [x, \"y\"]\nc:\n  d: |\n    text\n") ==
        "{a=1@1:4 b=[x@2:5 \"y\"@2:8]@2:4 c={d=\"text\n\"@4:6}@4:3}@1:1");
  CHECK(read("\xc3\xa4: {\xc3\xb6\xc3\xbc: x}\n") == "{\xc3\xa4={\xc3\xb6\xc3\xbc=x@1:9}@1:4}@1:1");
}

TEST_CASE("document: an empty value stands at its key") {
  CHECK(read("a:\nb: ~\nc: null\n") == "{a=null@1:1 b=null@2:1 c=null@3:1}@1:1");
}

TEST_CASE("document: nothing of YAML's types is applied to scalars") {
  CHECK(read("a: 010\nb: yes\nc: 1_000\nd: 1e3\n") ==
        "{a=010@1:4 b=yes@2:4 c=1_000@3:4 d=1e3@4:4}@1:1");
}

TEST_CASE("document: a byte order mark is no part of the first key") {
  CHECK(read("\xef\xbb\xbf"
             "a: 1\n") == "{a=1@1:4}@1:1");
}

TEST_CASE("document: faults that leave the structure readable are all found") {
  CHECK(read("a: &x 1\nb: *x\nb: 2\n<<: 3\nc: !!str 4\n") ==
        "{a=1@1:4 b=null@2:1 c=4@5:4}@1:1"
        "!1:4 a lab file has no anchors"
        "!2:4 a lab file has no aliases"
        "!4:1 a lab file has no merge keys"
        "!5:4 a lab file has no tags"
        "!3:1 key 'b' appears twice");
}

TEST_CASE("document: texts on which the parser stands still are refused") {
  for (const char* text : {",", ", a", "[,", "? ", "%", "---\n---\n", "]", "\"a\":1"}) {
    INFO(text);
    CHECK(read(text).find('!') != std::string::npos);
  }
}

// How soon is for test_hostile_input.py and the fuzzer to judge, which bound it.
TEST_CASE("document: hostile files are refused") {
  CHECK(read(std::string(10 << 20, '[')) ==
        "!1:1 the file has 10485760 bytes; a lab file has at most 1048576");
  std::string nested;
  for (int i = 0; i < 100'000; ++i) {
    nested += "[\"]\",";
  }
  CHECK(read(nested) == "!1:161 brackets are nested more than 32 deep");
}

}  // namespace nslab::topology
