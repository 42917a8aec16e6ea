#include "resource/resource.h"

#include <catch2/catch.hpp>

#include "resource/state.h"

using namespace nslab;
using namespace nslab::resource;

namespace {

std::string all(const std::vector<Id>& ids) {
  std::string text;
  for (const Id& id : ids) {
    text += (text.empty() ? "" : " ") + to_string(id);
  }
  return text;
}

const IpPrefix kAny4 = IpPrefix::parse("0.0.0.0/0").value();
const IpPrefix kAny6 = IpPrefix::parse("::/0").value();

}  // namespace

TEST_CASE("resource: ids say what and where") {
  CHECK(to_string(id_of(Spec(Lab{.name = "webdb"}))) == "lab");
  CHECK(to_string(id_of(Veth{.a = {.netns = "web", .name = "eth0"}})) == "veth:web/eth0");
  CHECK(to_string(id_of(Address{"web", "eth0", IpPrefix::parse("10.0.0.2/24").value()})) ==
        "address:web/eth0/10.0.0.2/24");
  CHECK(to_string(id_of(Route{.netns = "web", .to = kAny4})) == "route:web/default");
  CHECK(to_string(id_of(Route{.netns = "web", .to = kAny6})) == "route:web/default6");
  CHECK(to_string(id_of(Route{.netns = "web", .to = kAny4, .metric = 5})) == "route:web/default@5");
  CHECK(to_string(id_of(File{.node = "web", .path = "/etc/motd"})) == "file:web/etc/motd");
  CHECK(to_string(id_of(Setup{.node = "web", .index = 0})) == "setup:web/1");
}

TEST_CASE("resource: an id is read back, and nothing else is one") {
  CHECK(parse_id("lab") == kLabId);
  CHECK(parse_id("veth:web/eth0") == veth_id("web", "eth0"));
  CHECK(parse_id("address:web/eth0/fd00::1/64")->name == "web/eth0/fd00::1/64");
  for (const char* bad : {"", "veth", "cable:web/eth0", ":web"}) {
    CHECK_FALSE(parse_id(bad));
  }
}

TEST_CASE("resource: what an object lives in") {
  CHECK(all(containers_of(Veth{.a = {.netns = "web"}, .b = {.netns = "@switch"}})) ==
        "netns:web netns:@switch");
  CHECK(all(containers_of(NetNs{.name = "db", .userns = "db"})) == "lab userns:db");
  CHECK(all(containers_of(Sysctl{.node = "web", .key = "net.ipv4.ip_forward"})) == "netns:web");
  CHECK(all(containers_of(Sysctl{.node = "web", .key = "kernel.msgmax"})) == "node:web");
  CHECK(all(containers_of(Route{.netns = "web", .to = kAny4})) == "netns:web");
  Node pod{.name = "pod"};
  pod.ns(NsType::net) = {.mode = NsChoice::Mode::node, .of = "web"};
  pod.ns(NsType::ipc) = {.mode = NsChoice::Mode::node, .of = "db"};
  pod.ns(NsType::user) = {};
  CHECK(all(containers_of(pod)) == "lab node:db netns:web userns:pod");
}

TEST_CASE("resource: what an object waits for, and which node it restarts") {
  CHECK(all(dependencies_of(Setup{.node = "web", .index = 0})).empty());
  CHECK(all(dependencies_of(Setup{.node = "web", .index = 2})) == "setup:web/2");
  CHECK(all(dependencies_of(Node{.name = "web"})) == "cgroup:web");
  CHECK(node_of(Setup{.node = "web"}) == node_id("web"));
  CHECK_FALSE(node_of(Bridge{.name = "front"}));
}

TEST_CASE("state: an id is declared once, in the order of the calls") {
  DesiredState state{.lab = "lab"};
  CHECK(state.add(Bridge{.name = "b"}, {}));
  CHECK(state.add(Bridge{.name = "a"}, {}));
  CHECK_FALSE(state.add(Bridge{.name = "b", .mtu = 9000}, {}));
  CHECK(state.resources.at({Kind::bridge, "b"}).order == 0);
  CHECK(state.resources.at({Kind::bridge, "a"}).order == 1);
  CHECK(std::get<Bridge>(state.resources.at({Kind::bridge, "b"}).spec).mtu == 1500);
}
