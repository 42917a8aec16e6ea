#include "base/ip.h"

#include <catch2/catch.hpp>

using namespace nslab;

namespace {

std::string round_trip(std::string_view text) {
  const auto prefix = IpPrefix::parse(text);
  return prefix ? to_string(*prefix) : "refused";
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

std::string further(std::string_view text, std::uint64_t offset) {
  const auto sum = address(text).plus(offset);
  return sum ? to_string(*sum) : "none";
}

}  // namespace

TEST_CASE("ip: an address is read strictly") {
  CHECK(to_string(address("10.0.0.1")) == "10.0.0.1");
  CHECK(to_string(address("FD00:0::1")) == "fd00::1");
  using namespace std::string_view_literals;
  for (const std::string_view bad : {""sv,
                                     "10.0.0"sv,
                                     "10.0.0.01"sv,
                                     "10.0.0.256"sv,
                                     " 10.0.0.1"sv,
                                     "10.0.0.1 "sv,
                                     "0x0a.0.0.1"sv,
                                     "fe80::1%eth0"sv,
                                     "1::2::3"sv,
                                     "10.0.0.1\0x"sv}) {
    INFO(bad);
    CHECK_FALSE(IpAddress::parse(bad));
  }
}

TEST_CASE("ip: a prefix is read strictly, and keeps its host bits") {
  CHECK(round_trip("10.10.1.2/24") == "10.10.1.2/24");
  CHECK(round_trip("fd00:10::/64") == "fd00:10::/64");
  CHECK(round_trip("0.0.0.0/0") == "0.0.0.0/0");
  for (const char* bad : {"10.0.0.0",
                          "10.0.0.0/",
                          "10.0.0.0/33",
                          "10.0.0.0/024",
                          "10.0.0.0/-1",
                          "10.0.0.0/+8",
                          "10.0.0.0/8 ",
                          "/8",
                          "::/129",
                          "10.0.0.0/8/8",
                          "10.0.0.0/4294967304"}) {
    INFO(bad);
    CHECK(round_trip(bad) == "refused");
  }
}

TEST_CASE("ip: a prefix contains its addresses and no other") {
  const auto net = IpPrefix::parse("10.10.1.77/26").value();
  CHECK(to_string(net.network()) == "10.10.1.64/26");
  CHECK(net.contains(address("10.10.1.127")));
  CHECK_FALSE(net.contains(address("10.10.1.128")));
  CHECK_FALSE(net.contains(address("::a0a:14d")));
  CHECK(to_string(net.address.masked(net.length, true)) == "10.10.1.127");
  CHECK(net.overlaps(IpPrefix::parse("10.0.0.0/8").value()));
  CHECK_FALSE(net.overlaps(IpPrefix::parse("10.10.1.0/26").value()));
  CHECK(IpPrefix::parse("::/0")->contains(address("fd00::1")));
  CHECK_FALSE(IpPrefix::parse("::/0")->contains(address("1.2.3.4")));
}

TEST_CASE("ip: counting on carries, and ends with the family") {
  CHECK(further("10.0.0.255", 1) == "10.0.1.0");
  CHECK(further("10.0.0.0", 1U << 24U) == "11.0.0.0");
  CHECK(further("255.255.255.255", 1) == "none");
  CHECK(further("fd00::ffff:ffff", 1) == "fd00::1:0:0");
  CHECK(further("::ffff", UINT64_MAX) == "::1:0:0:0:fffe");
  CHECK(further("::", UINT64_MAX) == "::ffff:ffff:ffff:ffff");
  CHECK(further("0.0.0.0", UINT64_MAX) == "none");
}

TEST_CASE("ip: addresses go to bytes and back") {
  for (const char* text : {"192.0.2.1", "2001:db8::7"}) {
    CHECK(IpAddress::from_bytes(address(text).bytes()) == address(text));
  }
  const std::array<std::uint8_t, 5> odd{};
  CHECK_FALSE(IpAddress::from_bytes(odd));
  CHECK(to_string(IpAddress::v4(0x0a000001)) == "10.0.0.1");
}

TEST_CASE("ip: a MAC address is six pairs with colons") {
  CHECK(to_string(MacAddress::parse("02:00:00:00:02:Ff").value()) == "02:00:00:00:02:ff");
  CHECK(MacAddress::parse("01:00:5e:00:00:01")->is_multicast());
  CHECK(MacAddress::parse("00:00:00:00:00:00")->is_zero());
  for (const char* bad : {"",
                          "02:00:00:00:02",
                          "02-00-00-00-02-ff",
                          "2:0:0:0:2:f",
                          "02:00:00:00:02:fg",
                          "0x:00:00:00:02:ff",
                          "02:00:00:00:02:ff:"}) {
    INFO(bad);
    CHECK_FALSE(MacAddress::parse(bad));
  }
}
