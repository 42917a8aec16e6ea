#include "kernel/move.h"

#include <catch2/catch.hpp>

#include "kernel/address.h"
#include "kernel/learnt.h"
#include "kernel/offloads.h"
#include "kernel/route.h"
#include "support/sandbox/net.h"

using namespace nslab;
using namespace nslab::kernel;
using nslab::test::Net;
using nslab::test::require;
using Texts = std::vector<std::string>;

namespace {

const MacAddress kMac{{2, 0, 0, 0, 0, 0xa}};
const IpPrefix kAddress = IpPrefix::parse("10.1.0.1/24").value();
const IpPrefix kOther = IpPrefix::parse("10.1.0.2/24").value();

// A cable from one namespace into another: both ends up, with an address.
void lay_cable(Net& one, Net& other) {
  REQUIRE(one.run([&](Batch& batch) {
    append_veth(batch,
                0,
                {.name = "eth0", .mac = kMac, .mtu = 1400},
                {.netns_fd = other.fd.get(), .name = "far"},
                kNslabGroup);
  }) == Texts{});
  for (auto& [net, name, address] :
       {std::tuple<Net&, const char*, const IpPrefix&>{one, "eth0", kAddress},
        {other, "far", kOther}}) {
    const LinkIndex index = net.link(name).index;
    REQUIRE(net.run([&, &where = address](Batch& batch) {
      append_link_settings(batch, 0, index, {.up = true, .alias = "mine"});
      append_address(batch, 0, index, where);
    }) == Texts{});
  }
}

Offloads offloads_of(Net& net, const std::string& interface) {
  return require(in_netns(net.fd.get(), [&] { return offloads(interface); }));
}

}  // namespace

TEST_CASE("move: an end keeps what is the cable's, and its other end everything") {
  Net old;
  Net fresh;
  Net peer;
  lay_cable(old, peer);
  require(move_veths(old.socket, {old.link("eth0").index}, fresh.handle));
  CHECK_FALSE(old.has_link("eth0"));
  const Link moved = fresh.link("eth0");
  CHECK(moved.mac == kMac);
  CHECK(moved.mtu == 1400);
  CHECK(moved.alias == "mine");
  CHECK(moved.group == kNslabGroup);
  CHECK_FALSE(moved.up);
  CHECK(peer.link("far").up);
  const auto there = require(list_addresses(peer.socket));
  CHECK(std::ranges::count(there, kOther, &Address::address) == 1);
  const auto here = require(list_addresses(fresh.socket));
  CHECK(std::ranges::count(here, kAddress, &Address::address) == 0);
}

TEST_CASE("move: what was done to the device itself is undone") {
  Net old;
  Net fresh;
  Net peer;
  lay_cable(old, peer);
  const Offloads before = offloads_of(old, "eth0");
  Offloads none = before;
  for (std::uint32_t& word : none) {
    word = 0;
  }
  require(in_netns(old.fd.get(), [&] { return set_offloads("eth0", none); }));
  REQUIRE(offloads_of(old, "eth0") != before);
  require(move_veths(old.socket, {old.link("eth0").index}, fresh.handle));
  CHECK(offloads_of(fresh, "eth0") == before);
}

TEST_CASE("move: an end that has gone with its other end is no error") {
  Net old;
  Net fresh;
  Net peer;
  lay_cable(old, peer);
  const LinkIndex gone = old.link("eth0").index;
  const LinkIndex far = peer.link("far").index;
  REQUIRE(peer.run([&](Batch& batch) { append_delete_link(batch, 0, far); }) == Texts{});
  require(move_veths(old.socket, {gone}, fresh.handle));
  CHECK_FALSE(fresh.has_link("eth0"));
}

TEST_CASE("learnt: a namespace without neighbours, routes and bridges has nothing to forget") {
  Net net;
  require(forget_neighbours(net.socket));
  require(forget_cached_routes(net.socket, net.fd.get()));
  require(forget_stations(net.socket));
}
