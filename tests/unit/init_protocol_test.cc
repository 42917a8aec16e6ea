#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "init/protocol.h"

using namespace nslab::init;
using namespace std::string_literals;

namespace {

std::vector<std::string> fields_of(const Reader& reader) {
  std::vector<std::string> fields;
  for (const Field field : reader) {
    fields.push_back(std::string(field.key) + " -> " + std::string(field.value));
  }
  return fields;
}

}  // namespace

TEST_CASE("protocol: what is written is read, in order") {
  Writer writer("start");
  writer.add("name", "http").add("argv", "sh").add("argv", "-c").add("port", 8080);
  REQUIRE(writer.valid());
  CHECK(writer.bytes() == "start\0name=http\0argv=sh\0argv=-c\0port=8080\0"s);
  const Reader reader(writer.bytes());
  CHECK(reader.verb() == "start");
  CHECK(fields_of(reader) ==
        std::vector<std::string>{"name -> http", "argv -> sh", "argv -> -c", "port -> 8080"});
}

TEST_CASE("protocol: a value may be empty and may hold equals signs and newlines") {
  Writer writer("write");
  writer.add("content", "").add("env", "A=b=c").add("spec", "one\ntwo");
  const Reader reader(writer.bytes());
  CHECK(reader.has("content"));
  CHECK(reader.get("content", "none").empty());
  CHECK(reader.get("env") == "A=b=c");
  CHECK(reader.get("spec") == "one\ntwo");
}

TEST_CASE("protocol: values are C strings") {
  Writer writer("stop");
  writer.add("name", "web").add("spec", "x");
  CHECK(Reader(writer.bytes()).get("name").data() == "web"s);
}

TEST_CASE("protocol: a missing key has the fallback") {
  Writer writer("wait");
  writer.add("name", "web");
  const Reader reader(writer.bytes());
  CHECK_FALSE(reader.has("nam"));
  CHECK(reader.get("path").empty());
  CHECK(reader.get("path", "/") == "/");
  CHECK(reader.number("port", 80) == 80);
  CHECK(reader.count("name") == 1);
  CHECK(reader.count("argv") == 0);
}

TEST_CASE("protocol: numbers are whole, decimal and signed") {
  Writer writer("x");
  writer.add("a", -7).add("b", std::int64_t{1} << 62).add("c", "12x").add("d", "").add("e", "0x1");
  const Reader reader(writer.bytes());
  CHECK(reader.number("a") == -7);
  CHECK(reader.number("b") == std::int64_t{1} << 62);
  CHECK(reader.number("c", 5) == 5);
  CHECK(reader.number("d", 5) == 5);
  CHECK(reader.number("e", 5) == 5);
}

TEST_CASE("protocol: what is no packet has no verb and no fields") {
  const std::string packet = GENERATE(""s,
                                      "\0"s,
                                      "start"s,
                                      "start\0name=web"s,
                                      "start\0name\0"s,
                                      "start\0=web\0"s,
                                      "start\0\0"s,
                                      "start\0name=web\0\0"s);
  const Reader reader(packet);
  CHECK(reader.verb().empty());
  CHECK(fields_of(reader).empty());
}

TEST_CASE("protocol: a NUL in a value spoils the packet") {
  Writer writer("write");
  writer.add("content", "a\0b"s);
  CHECK_FALSE(writer.valid());
}

TEST_CASE("protocol: a packet has a bound, and may reach it") {
  const std::string overhead = "write\0content=\0"s;
  Writer fits("write");
  fits.add("content", std::string(kMaxPacket - overhead.size(), 'x'));
  CHECK(fits.valid());
  CHECK(fits.bytes().size() == kMaxPacket);
  Writer exceeds("write");
  exceeds.add("content", std::string(kMaxPacket - overhead.size() + 1, 'x'));
  CHECK_FALSE(exceeds.valid());
}
