#include "base/text.h"

#include <array>

#include <catch2/catch.hpp>

#include "base/printable.h"

using namespace nslab;

TEST_CASE("text: a quoted name cannot write to the terminal") {
  CHECK(quote("web") == "'web'");
  CHECK(quote("") == "''");
  CHECK(quote("\x1b[31mred") == "'\\x1b[31mred'");
  CHECK(quote("a\nb\x7f") == "'a\\x0ab\\x7f'");
  CHECK(quote("Zürich → €") == "'Zürich → €'");
  CHECK(quote("a\xc2\x9b"
              "31m") == "'a\\x9b31m'");  // CSI as one character of Unicode
}

TEST_CASE("text: the nearest name is a likely misspelling, or none") {
  constexpr std::array<std::string_view, 4> kKeys{"interfaces", "routes", "mtu", "to"};
  CHECK(nearest("interface", kKeys) == "interfaces");
  CHECK(nearest("intrefaces", kKeys) == "interfaces");
  CHECK(nearest("route", kKeys) == "routes");
  CHECK(nearest("mtv", kKeys) == "mtu");
  CHECK(nearest("services", kKeys).empty());
  CHECK(nearest("x", kKeys).empty());
  CHECK(nearest("", kKeys).empty());
  CHECK(nearest("mtu", {}).empty());
  CHECK(nearest("abcd", std::array<std::string_view, 3>{"abce", "abcc", "abcf"}) == "abcc");
  CHECK(nearest("abcdefghi", std::array<std::string_view, 2>{"abcxyzghi", "abcdxyzhi"}) ==
        "abcdxyzhi");
}

TEST_CASE("text: joins and splits are each other's inverse") {
  const std::vector<std::string> parts{"a", "", "c"};
  CHECK(join(parts, ", ") == "a, , c");
  CHECK(join({}, ", ").empty());
  CHECK(split("a::c", ':') == std::vector<std::string_view>{"a", "", "c"});
  CHECK(split("", ':') == std::vector<std::string_view>{""});
  CHECK(split("a:", ':') == std::vector<std::string_view>{"a", ""});
}

TEST_CASE("text: counts and sizes as people write them") {
  CHECK(plural(0, "node") == "0 nodes");
  CHECK(plural(1, "node") == "1 node");
  CHECK(plural(3, "node") == "3 nodes");
  CHECK(format_bytes(0) == "0B");
  CHECK(format_bytes(1023) == "1023B");
  CHECK(format_bytes(1024) == "1K");
  CHECK(format_bytes(1536) == "1.5K");
  CHECK(format_bytes(128U << 20U) == "128M");
  CHECK(format_bytes(UINT64_MAX) == "16777216T");
}

TEST_CASE("text: the stable hash is FNV-1a") {
  CHECK(stable_hash("") == 0xcbf29ce484222325);
  CHECK(stable_hash("a") == 0xaf63dc4c8601ec8c);
  CHECK(stable_hash("foobar") == 0x85944171f73967e8);
}

TEST_CASE("text: what a terminal would obey is escaped, and nothing else") {
  CHECK(escaped("\x1b[31mred\x1b[0m \a\x7f") == "\\x1b[31mred\\x1b[0m \\x07\\x7f");
  CHECK(escaped("Gr\u00fc\u00dfe\t\u2713\n") == "Gr\u00fc\u00dfe\t\u2713\n");
  CHECK(escaped("\xc2\x9b \x9b \xc3 \xff") == "\\xc2\\x9b \\x9b \\xc3 \\xff");
  CHECK(escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(escaped("a\r\nb\rc\r") == "a\nb\\rc\\r");
  CHECK(escaped("a\u202eb\u2066c\u2065") == "a\\u202eb\\u2066c\u2065");
  CHECK(escaped(std::string_view("\0", 1)) == "\\x00");
  CHECK(escaped("").empty());
}

TEST_CASE("text: what says too little at the end waits for more") {
  CHECK(unfinished("") == 0);
  CHECK(unfinished("abc\n") == 0);
  CHECK(unfinished("abc\r") == 1);
  CHECK(unfinished("\u00fc") == 0);
  CHECK(unfinished("a\xc3") == 1);
  CHECK(unfinished("a\xe2\x9c") == 2);
  CHECK(unfinished("a\xf0\x9f\x91") == 3);
  CHECK(unfinished("a\x9c\x9c\x9c\x9c") == 0);
  CHECK(unfinished("\xff") == 0);
}
