#include "base/text.h"

#include <array>

#include <catch2/catch.hpp>

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
