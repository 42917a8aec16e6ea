// What a lab means: addresses, gateways, routes, inheritance, sharing.
#include "topology/topology.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "report/diagnostics.h"
#include "topology/load.h"

namespace nslab::topology {
namespace {

Topology topology_of(const std::string& text, std::string_view directory = "/labs") {
  Diagnostics diagnostics;
  auto loaded = load_lab(text, "lab.yaml", "lab", diagnostics, directory);
  INFO(report::render(diagnostics, text));
  REQUIRE(loaded.has_value());
  return std::move(loaded->topology);
}

// The messages of every error, one to a line.
std::string errors_of(const std::string& text) {
  Diagnostics diagnostics;
  load_lab(text, "lab.yaml", "lab", diagnostics);
  std::string messages;
  for (const Error& error : diagnostics.errors()) {
    messages += std::to_string(error.where.line) + ": " + error.message + "\n";
  }
  return messages;
}

const Node& node(const Topology& topology, std::string_view name) {
  return *std::ranges::find(topology.nodes, name, &Node::name);
}

// "eth0 10.0.0.1/24 fd00::1/64, eth1"
std::string interfaces(const Topology& topology, std::string_view name) {
  std::string text;
  for (const Interface& interface : node(topology, name).interfaces) {
    text += (text.empty() ? "" : ", ") + interface.name;
    for (const IpPrefix& address : interface.addresses) {
      text += " " + to_string(address);
    }
  }
  return text;
}

// "0.0.0.0/0 via 10.0.0.1 dev eth0"
std::string routes(const Topology& topology, std::string_view name) {
  std::string text;
  for (const Route& route : node(topology, name).routes) {
    text += (text.empty() ? "" : ", ") + to_string(route.to) +
            (route.via ? " via " + to_string(*route.via) : "") +
            (route.interface.empty() ? "" : " dev " + route.interface);
  }
  return text;
}

}  // namespace

TEST_CASE("topology: addresses follow the order of the file, around pinned ones") {
  const auto lab = topology_of(
      "subnets: {s: 10.0.0.0/29}\n"
      "nodes:\n"
      "  a: {interfaces: {eth0: s}}\n"
      "  b: {interfaces: {eth0: {subnet: s, address: 10.0.0.2/29}}}\n"
      "  c: {interfaces: {eth0: s, eth1: s}}\n");
  CHECK(interfaces(lab, "a") == "eth0 10.0.0.1/29");
  CHECK(interfaces(lab, "b") == "eth0 10.0.0.2/29");
  CHECK(interfaces(lab, "c") == "eth0 10.0.0.3/29, eth1 10.0.0.4/29");
}

TEST_CASE("topology: the gateway has the first address, wherever it stands") {
  const auto lab = topology_of(
      "subnets: {s: {cidr: [10.0.0.0/24, \"fd00::/64\"]}}\n"
      "nodes:\n"
      "  a: {interfaces: {eth0: s}}\n"
      "  r: {role: router, interfaces: {eth0: s}}\n");
  CHECK(interfaces(lab, "r") == "eth0 10.0.0.1/24 fd00::1/64");
  CHECK(interfaces(lab, "a") == "eth0 10.0.0.2/24 fd00::2/64");
  CHECK(routes(lab, "a") == "0.0.0.0/0 via 10.0.0.1 dev eth0, ::/0 via fd00::1 dev eth0");
  CHECK(routes(lab, "r").empty());
}

TEST_CASE("topology: a gateway's address is the only router's, or kept free") {
  const std::string head = "subnets: {s: {cidr: 10.0.0.0/24, gateway: 10.0.0.2}}\nnodes:\n";
  const auto with = topology_of(head +
                                "  a: {interfaces: {eth0: s}}\n"
                                "  r: {role: router, interfaces: {eth0: s}}\n");
  CHECK(interfaces(with, "r") == "eth0 10.0.0.2/24");
  const auto without = topology_of(head + "  a: {interfaces: {eth0: s, eth1: s}}\n");
  CHECK(interfaces(without, "a") == "eth0 10.0.0.1/24, eth1 10.0.0.3/24");
  CHECK(routes(without, "a") == "0.0.0.0/0 via 10.0.0.2 dev eth0");
}

TEST_CASE("topology: two routers on a subnet are no question where no host asks") {
  const auto lab = topology_of(
      "subnets: {s: 10.0.0.0/24}\n"
      "nodes:\n"
      "  r1: {role: router, interfaces: {eth0: s}}\n"
      "  r2: {role: router, interfaces: {eth0: s}}\n"
      "  a: {interfaces: {eth0: s}, routes: [{to: default, via: 10.0.0.2}]}\n");
  CHECK(routes(lab, "a") == "0.0.0.0/0 via 10.0.0.2 dev eth0");
}

TEST_CASE("topology: the ends of a link get the addresses of its subnet in order") {
  const auto lab = topology_of(
      "nodes: {a: {role: router}, b: , c: }\n"
      "links:\n"
      "  - {ends: [b:e0, a:e0], subnet: 10.0.0.0/31}\n"
      "  - {ends: [b:e1, c:e0], subnet: [10.1.0.0/30, \"fd00::/127\"]}\n"
      "  - b:e2 -- c:e1\n");
  CHECK(interfaces(lab, "a") == "e0 10.0.0.0/31");
  CHECK(interfaces(lab, "b") == "e0 10.0.0.1/31, e1 10.1.0.1/30 fd00::/127, e2");
  CHECK(interfaces(lab, "c") == "e0 10.1.0.2/30 fd00::1/127, e1");
  CHECK(routes(lab, "b") == "0.0.0.0/0 via 10.0.0.0 dev e0");
  CHECK(routes(lab, "c").empty());
}

TEST_CASE("topology: MAC addresses are the same in every run, and differ") {
  const std::string text =
      "subnets: {s: 10.0.0.0/24}\n"
      "nodes: {a: {interfaces: {eth0: s, eth1: s}}, b: {interfaces: {eth0: s}}}\n";
  const auto lab = topology_of(text);
  std::vector<MacAddress> macs;
  for (const Node& each : lab.nodes) {
    for (const Interface& interface : each.interfaces) {
      macs.push_back(interface.mac);
      macs.push_back(std::get<OnSubnet>(interface.medium).port_mac);
    }
  }
  for (const MacAddress& mac : macs) {
    CHECK(mac.bytes[0] == 0x02);
    CHECK(std::ranges::count(macs, mac) == 1);
  }
  CHECK(to_string(macs.front()) == to_string(topology_of(text).nodes[0].interfaces[0].mac));
}

TEST_CASE("topology: shared namespaces lead to the node that has its own") {
  const auto lab = topology_of(
      "nodes:\n"
      "  a: {namespaces: {net: \"node:b\", ipc: \"node:c\"}}\n"
      "  b: {namespaces: {net: \"node:c\"}}\n"
      "  c: {namespaces: {ipc: host}}\n");
  using resource::NsChoice;
  using resource::NsType;
  CHECK(node(lab, "a").ns(NsType::net) == NsChoice{NsChoice::Mode::node, "c"});
  CHECK(node(lab, "b").ns(NsType::net) == NsChoice{NsChoice::Mode::node, "c"});
  CHECK(node(lab, "a").ns(NsType::ipc) == resource::kHostNs);
  CHECK(node(lab, "c").owns(NsType::net));
}

TEST_CASE("topology: the node before its groups, the last group before the first, defaults last") {
  const auto lab = topology_of(
      "defaults: {limits: {memory: 1M, swap: 1M, pids: 1}, hostname: unused}\n"
      "groups: {g: {limits: {memory: 2M, pids: 2}}, h: {limits: {memory: 3M}}}\n"
      "nodes: {a: {groups: [g, h], hostname: a, limits: {cpu_weight: 7}}}\n");
  const LimitKeys& limits = *node(lab, "a").keys.limits;
  CHECK(*limits.memory == 3ULL << 20U);
  CHECK(*limits.pids == 2);
  CHECK(*limits.swap == 1ULL << 20U);
  CHECK(*limits.cpu_weight == 7);
}

TEST_CASE("topology: a value that was refused brings no further errors") {
  CHECK(errors_of("subnets: {s: 10.0.0.0/33}\n"
                  "nodes:\n"
                  "  a:\n"
                  "    interfaces: {eth0: {subnet: s, address: 10.0.0.9}, eth1: none}\n"
                  "    routes: [{to: default, via: 10.0.0.1}, {to: 10.9.0.0/16, dev: eth0}]\n") ==
        "1: 's' has to be a network such as 10.10.1.0/24, not '10.0.0.0/33'\n"
        "4: there is no subnet 'none'\n");
  CHECK(errors_of("subnets: {s: 10.0.0.0/8, t: 10.1.0.0/30}\n"
                  "nodes:\n"
                  "  a: {interfaces: {eth0: t}, routes: [{to: default, via: 10.1.0.2}]}\n"
                  "  b: {interfaces: {eth0: t}}\n"
                  "  c: {interfaces: {eth0: t}}\n") ==
        "1: 10.1.0.0/30 overlaps 10.0.0.0/8 of subnet 's'\n");
}

TEST_CASE("topology: a file that is wrong everywhere has a bounded number of errors") {
  std::string text = "nodes:\n";
  for (int i = 0; i < 1000; ++i) {
    text += "  n" + std::to_string(i) + ": {wrong: 1}\n";
  }
  Diagnostics diagnostics;
  load_lab(text, "lab.yaml", "lab", diagnostics);
  CHECK(diagnostics.errors().size() == kMaxProblems);
  CHECK(diagnostics.errors().back().message == "there are more errors than the 199 errors shown");
}

TEST_CASE("topology: what all nodes inherit together is bounded") {
  std::string text = "defaults: {files: {/big: \"" + std::string(60'000, 'a') + "\"}}\nnodes:\n";
  for (int i = 0; i < 10'000; ++i) {
    text += "  n" + std::to_string(i) + ":\n";
  }
  CHECK(errors_of(text).find("inherit more than nslab holds in memory") != std::string::npos);
}

TEST_CASE("topology: relative paths begin at the lab file's directory") {
  const std::string text = "nodes: {a: {mounts: {/srv: ./site, /etc/x: ../x}}}\n";
  CHECK(host_path(topology_of(text, "/labs"), "./site") == "/labs/site");
  CHECK(host_path(topology_of(text, "/"), "./site") == "/site");
  CHECK(host_path(topology_of(text, "/labs"), "/abs") == "/abs");
  CHECK(errors_of(text) ==
        "1: it is not known where './site' begins\n1: it is not known where '../x' begins\n");
}

TEST_CASE("topology: keys that begin with x- are the user's own, everywhere") {
  topology_of(
      "x-a: [1, {b: 2}]\n"
      "subnets: {x-s: nonsense, s: {cidr: 10.0.0.0/24, x-y: 1}}\n"
      "nodes: {x-n: 3, a: {x-z: , interfaces: {eth0: {subnet: s, x-note: hello}}}}\n");
}

TEST_CASE("topology: what could not be told to a node's init is refused") {
  const auto with = [](const std::string& environment, const std::string& command) {
    return "nodes: {a: {environment: {X: \"" + environment +
           "\"}, services: {s: {command: [echo, \"" + command +
           "\"], once: true}}, setup: [[echo, \"" + command + "\"]]}}\n";
  };
  const auto text = [](std::size_t size) { return std::string(size, 'x'); };
  CHECK(errors_of(with(text(40'000), text(40'000))).empty());
  CHECK(errors_of(with(text(82'000), "")).find("'environment' of node 'a' is too long") !=
        std::string::npos);
  const std::string both = errors_of(with(text(41'000), text(41'000)));
  CHECK(both.find("a setup command with the environment of node 'a'") != std::string::npos);
  CHECK(both.find("service 's' with the environment of node 'a'") != std::string::npos);
  std::string tabs;
  for (int i = 0; i < 12'000; ++i) {
    tabs += "\\t";
  }
  CHECK(errors_of(with("", tabs)).empty());
  CHECK_FALSE(errors_of(with("", tabs + tabs)).empty());
}

}  // namespace nslab::topology
