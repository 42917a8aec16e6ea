#include "kernel/link.h"

#include <catch2/catch.hpp>

#include "kernel/address.h"
#include "support/sandbox/net.h"

using namespace nslab;
using namespace nslab::kernel;
using nslab::test::Net;
using nslab::test::require;
using Texts = std::vector<std::string>;

namespace {

const MacAddress kMacA{{2, 0, 0, 0, 0, 0xa}};
const MacAddress kMacB{{2, 0, 0, 0, 0, 0xb}};

}  // namespace

TEST_CASE("link: a fresh namespace has its loopback only, and up") {
  Net net;
  const auto links = require(list_links(net.socket));
  REQUIRE(links.size() == 1);
  CHECK(links[0].name == "lo");
  CHECK(links[0].index == kLoopback);
  CHECK(links[0].up);
}

TEST_CASE("link: a cable is made with both ends in place") {
  Net here;
  Net left;
  Net right;
  CHECK(here.run([&](Batch& batch) {
    append_veth(
        batch,
        0,
        {.netns_fd = left.fd.get(), .name = "eth0", .index = 16, .mac = kMacA, .up = true},
        {.netns_fd = right.fd.get(), .name = "eth1", .index = 17, .mac = kMacB, .mtu = 9000},
        kNslabGroup);
  }) == Texts{});
  CHECK(require(list_links(here.socket)).size() == 1);
  const Link a = left.link("eth0");
  const Link b = right.link("eth1");
  CHECK(a.kind == "veth");
  CHECK(a.mac == kMacA);
  CHECK(a.mtu == 1500);
  CHECK(a.group == kNslabGroup);
  CHECK(a.up);
  CHECK_FALSE(a.carrier);
  CHECK(a.peer == 17);
  CHECK(a.peer_nsid.has_value());
  CHECK(b.index == 17);
  CHECK(b.mac == kMacB);
  CHECK(b.mtu == 9000);
  CHECK(b.group == kNslabGroup);
  CHECK_FALSE(b.up);
  CHECK(b.peer == 16);
}

TEST_CASE("link: both ends up have a carrier, and no IPv6 address unless asked for") {
  const bool ipv6 = GENERATE(false, true);
  Net net;
  CHECK(net.run([&](Batch& batch) {
    append_veth(batch,
                0,
                {.name = "a", .index = 10, .mac = kMacA, .up = true},
                {.name = "b", .index = 11, .mac = kMacB},
                kNslabGroup);
    append_link_settings(batch, 1, 10, {.ipv6_autoconf = ipv6});
    append_link_settings(batch, 2, 11, {.ipv6_autoconf = ipv6, .up = true});
  }) == Texts{});
  CHECK(net.link("a").carrier);
  CHECK(net.link("b").carrier);
  CHECK(net.link("a").ipv6_autoconf == ipv6);
  CHECK_FALSE(net.link("a").peer_nsid.has_value());
  std::size_t link_local = 0;
  for (const auto& address : require(list_addresses(net.socket))) {
    link_local += address.index >= 10 ? 1 : 0;
  }
  CHECK((link_local > 0) == ipv6);
}

TEST_CASE("link: the second end cannot be created up, and the kernel's no is told") {
  Net net;
  CHECK(net.run([&](Batch& batch) {
    append_veth(batch,
                5,
                {.name = "a", .mac = kMacA},
                {.name = "b", .mac = kMacB, .up = true},
                kNslabGroup);
  }) == Texts{"5: creating cable 'a' -- 'b': "
              "Transport endpoint is not connected (ENOTCONN)"});
  CHECK(require(list_links(net.socket)).size() == 1);
}

TEST_CASE("link: a cable's first end is created as the port of a bridge") {
  Net net;
  Net node;
  CHECK(net.run([&](Batch& batch) {
    append_bridge(batch, 0, {.name = "lan", .index = 5, .mtu = 1400}, kNslabGroup);
    append_veth(batch,
                1,
                {.name = "web", .mac = kMacA, .mtu = 1400, .master = 5, .up = true},
                {.netns_fd = node.fd.get(), .name = "eth0", .mac = kMacB, .mtu = 1400},
                kNslabGroup);
  }) == Texts{});
  CHECK(net.link("lan").kind == "bridge");
  CHECK(net.link("lan").mtu == 1400);
  CHECK(net.link("lan").up);
  CHECK(net.link("web").master == 5);
}

TEST_CASE("link: a bridge keeps its MTU whatever its ports have") {
  for (const std::uint32_t mtu : {68U, 1500U, 9000U, 65535U}) {
    Net net;
    CHECK(net.run([&](Batch& batch) {
      append_bridge(batch, 0, {.name = "lan", .index = 5, .mtu = mtu}, kNslabGroup);
      append_veth(batch,
                  1,
                  {.name = "a", .mac = kMacA, .mtu = 1280, .master = 5, .up = true},
                  {.name = "b", .mac = kMacB, .mtu = 1280},
                  kNslabGroup);
    }) == Texts{});
    CHECK(net.link("lan").mtu == mtu);
  }
}

TEST_CASE("link: settings change what they name and nothing else") {
  Net net;
  CHECK(net.run([](Batch& batch) {
    append_bridge(batch, 0, {.name = "lan", .index = 5}, kNslabGroup);
    append_bridge(batch, 0, {.name = "wan", .index = 6}, kNslabGroup);
    append_veth(batch,
                0,
                {.name = "a", .index = 10, .mac = kMacA, .master = 5, .up = true},
                {.name = "b", .index = 11, .mac = kMacB},
                kNslabGroup);
  }) == Texts{});
  const MacAddress other{{2, 0, 0, 0, 0, 0xc}};

  SECTION("several at once") {
    CHECK(net.run([&](Batch& batch) {
      append_link_settings(
          batch, 0, 10, {.mac = other, .mtu = 1300, .master = 6, .up = false, .group = 9});
    }) == Texts{});
    const Link link = net.link("a");
    CHECK(link.mac == other);
    CHECK(link.mtu == 1300);
    CHECK(link.master == 6);
    CHECK_FALSE(link.up);
    CHECK(link.group == 9);
  }
  SECTION("out of a bridge") {
    CHECK(net.run([](Batch& batch) { append_link_settings(batch, 0, 10, {.master = 0}); }) ==
          Texts{});
    const Link link = net.link("a");
    CHECK(link.master == 0);
    CHECK(link.up);
    CHECK(link.mac == kMacA);
  }
  SECTION("a name") {
    CHECK(net.run([](Batch& batch) { append_link_settings(batch, 0, 11, {.name = "c"}); }) ==
          Texts{});
    CHECK(net.link("c").index == 11);
  }
  SECTION("none") {
    Batch batch;
    append_link_settings(batch, 0, 10, {});
    CHECK(batch.empty());
  }
  SECTION("of an interface that is not there") {
    CHECK(net.run([](Batch& batch) { append_link_settings(batch, 4, 99, {.up = true}); }) ==
          Texts{"4: changing interface 99: No such device (ENODEV)"});
  }
}

TEST_CASE("link: deleting one end deletes the cable, a group deletes all") {
  Net net;
  Net other;
  CHECK(net.run([&](Batch& batch) {
    for (LinkIndex i = 10; i < 13; ++i) {
      append_veth(batch,
                  i,
                  {.name = "v" + std::to_string(i), .index = i, .mac = kMacA},
                  {.netns_fd = other.fd.get(), .name = "w" + std::to_string(i), .mac = kMacB},
                  kNslabGroup);
    }
    append_bridge(batch, 0, {.name = "foreign"}, 0);
  }) == Texts{});
  CHECK(net.run([](Batch& batch) { append_delete_link(batch, 0, 10); }) == Texts{});
  CHECK_FALSE(net.has_link("v10"));
  CHECK_FALSE(other.has_link("w10"));
  CHECK(net.run([](Batch& batch) { append_delete_group(batch, 0, kNslabGroup); }) == Texts{});
  CHECK(require(list_links(other.socket)).size() == 1);
  CHECK(net.has_link("foreign"));
  CHECK(net.run([](Batch& batch) { append_delete_link(batch, 6, 10); }) ==
        Texts{"6: deleting interface 10: No such device (ENODEV)"});
}
