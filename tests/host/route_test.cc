#include "kernel/route.h"

#include <linux/if_addr.h>

#include <catch2/catch.hpp>

#include "kernel/address.h"
#include "support/sandbox/net.h"

using namespace nslab;
using namespace nslab::kernel;
using nslab::test::Net;
using nslab::test::one_failure;
using nslab::test::require;
using Texts = std::vector<std::string>;

namespace {

constexpr LinkIndex kEth0 = 10;

IpPrefix prefix(std::string_view text) {
  return IpPrefix::parse(text).value();
}

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

// A namespace with a cable that is up, and an address of each family.
struct WiredNet : Net {
  WiredNet() {
    const Texts failures = run([](Batch& batch) {
      append_veth(batch,
                  0,
                  {.name = "eth0", .index = kEth0, .mac = {{2, 0, 0, 0, 0, 1}}, .up = true},
                  {.name = "peer", .index = 11, .mac = {{2, 0, 0, 0, 0, 2}}},
                  kNslabGroup);
      append_link_settings(batch, 1, kEth0, {.ipv6_autoconf = false});
      append_link_settings(batch, 2, 11, {.ipv6_autoconf = false, .up = true});
      append_address(batch, 3, kEth0, prefix("10.0.0.2/24"));
      append_address(batch, 4, kEth0, prefix("fd00::2/64"));
    });
    REQUIRE(failures == Texts{});
  }

  // The routes that are not the kernel's own.
  std::vector<kernel::Route> made() {
    std::vector<kernel::Route> routes;
    for (const auto& route : require(list_routes(socket))) {
      if (route.protocol != RTPROT_KERNEL) {
        routes.push_back(route);
      }
    }
    return routes;
  }
};

}  // namespace

TEST_CASE("address: both families, marked and usable at once") {
  WiredNet net;
  std::vector<Address> found;
  for (const auto& address : require(list_addresses(net.socket))) {
    if (address.index == kEth0) {
      found.push_back(address);
    }
  }
  REQUIRE(found.size() == 2);
  CHECK(found[0].address == prefix("10.0.0.2/24"));
  CHECK(found[0].protocol == kNslabAddressProtocol);
  CHECK(found[1].address == prefix("fd00::2/64"));
  CHECK(found[1].protocol == kNslabAddressProtocol);
  CHECK((found[1].flags & IFA_F_TENTATIVE) == 0);
}

TEST_CASE("address: added twice is a conflict, deleted twice an error") {
  WiredNet net;
  CHECK(one_failure(
      net.run([](Batch& batch) { append_address(batch, 1, kEth0, prefix("10.0.0.2/24")); }),
      "1: adding address 10.0.0.2/24 of interface 10: ",
      "File exists (EEXIST)"));
  const auto remove = [](Batch& batch) {
    append_delete_address(batch, 1, kEth0, prefix("fd00::2/64"));
  };
  CHECK(net.run(remove) == Texts{});
  CHECK(one_failure(net.run(remove),
                    "1: deleting address fd00::2/64 of interface 10: ",
                    "Cannot assign requested address (EADDRNOTAVAIL)"));
}

TEST_CASE("route: routes read back as they were asked for, and go") {
  WiredNet net;
  const std::vector<kernel::Route> routes{
      {.to = prefix("0.0.0.0/0"), .via = ip("10.0.0.1"), .index = kEth0},
      {.to = prefix("192.168.0.0/16"), .via = ip("10.0.0.1"), .index = kEth0, .metric = 50},
      {.to = prefix("192.168.7.0/24"), .index = kEth0},
      {.to = prefix("10.66.0.0/16"), .type = RouteType::blackhole},
      {.to = prefix("::/0"), .via = ip("fd00::1"), .index = kEth0},
      {.to = prefix("fd01::/64"), .via = ip("fd00::1"), .index = kEth0, .metric = 7},
      {.to = prefix("fd66::/64"), .type = RouteType::unreachable},
  };
  CHECK(net.run([&](Batch& batch) {
    for (const auto& route : routes) {
      append_route(batch, 0, route);
    }
  }) == Texts{});
  const auto found = net.made();
  CHECK(found.size() == routes.size());
  for (const auto& route : routes) {
    CAPTURE(to_string(route.to));
    CHECK(std::find(found.begin(), found.end(), route) != found.end());
  }
  CHECK(net.run([&](Batch& batch) {
    for (const auto& route : routes) {
      append_delete_route(batch, 0, route);
    }
  }) == Texts{});
  CHECK(net.made().empty());
}

TEST_CASE("route: the kernel finds the interface by the next hop") {
  WiredNet net;
  CHECK(net.run([](Batch& batch) {
    append_route(batch, 0, {.to = prefix("10.9.0.0/16"), .via = ip("10.0.0.9")});
  }) == Texts{});
  REQUIRE(net.made().size() == 1);
  CHECK(net.made()[0].index == kEth0);
}

TEST_CASE("route: a next hop out of reach is refused in the kernel's words") {
  WiredNet net;
  CHECK(net.run([](Batch& batch) {
    append_route(batch, 2, {.to = prefix("10.9.0.0/16"), .via = ip("10.77.0.9")});
  }) == Texts{"2: adding route to 10.9.0.0/16 via 10.77.0.9: Nexthop has invalid "
              "gateway: Network is unreachable (ENETUNREACH)"});
}

TEST_CASE("route: the one of an address's network is as the kernel makes it") {
  const auto routes_of = [](WiredNet& net, const char* address) {
    std::vector<kernel::Route> found;
    for (const kernel::Route& route : require(list_routes(net.socket))) {
      if (route.to == prefix(address).network()) {
        found.push_back(route);
      }
    }
    return found;
  };
  for (const char* address : {"10.55.0.1/24", "10.55.0.1/31", "fd00:55::1/64", "fd00:55::1/127"}) {
    WiredNet net;
    CHECK(net.run([&](Batch& batch) { append_address(batch, 0, kEth0, prefix(address)); }) ==
          Texts{});
    const auto made = routes_of(net, address);
    REQUIRE(made.size() == 1);
    CHECK(net.run([&](Batch& batch) { append_delete_route(batch, 0, made[0]); }) == Texts{});
    CHECK(routes_of(net, address).empty());
    CHECK(net.run([&](Batch& batch) {
      append_connected_route(batch, 0, kEth0, prefix(address));
    }) == Texts{});
    CHECK(routes_of(net, address) == made);
  }
}

TEST_CASE("route: one that exists is a conflict, and only our own is deleted") {
  WiredNet net;
  kernel::Route route{.to = prefix("10.9.0.0/16"), .via = ip("10.0.0.9"), .index = kEth0};
  CHECK(net.run([&](Batch& batch) { append_route(batch, 0, route); }) == Texts{});
  CHECK(net.run([&](Batch& batch) { append_route(batch, 0, route); }) ==
        Texts{"0: adding route to 10.9.0.0/16 via 10.0.0.9: File exists (EEXIST)"});
  route.protocol = RTPROT_STATIC;
  CHECK(net.run([&](Batch& batch) { append_delete_route(batch, 0, route); }) ==
        Texts{"0: deleting route to 10.9.0.0/16 via 10.0.0.9: No such process (ESRCH)"});
  CHECK(net.made().size() == 1);
}
