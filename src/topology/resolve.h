// The passes that make a Topology. Each takes the draft of those before it, in
// the order in which they stand here. Private to this module.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "topology/topology.h"

namespace nslab::topology {

// An interface while it is being resolved: what the file pins.
struct Port {
  Endpoint end;
  std::optional<std::size_t> segment{};
  const Setting<OneOrMany<Scalar<HostAddress>>>* address = nullptr;
  const Setting<Scalar<Mac>>* mac = nullptr;
  const Setting<Scalar<Mtu>>* mtu = nullptr;        // that counts: its own, or the subnet's
  const Setting<Scalar<Ipv6Word>>* ipv6 = nullptr;  // the same
};

// Interfaces that reach each other directly and share networks: a subnet, or a
// link with one.
struct Segment {
  std::string title;  // "subnet 'front'"
  Mark where;
  Mark cidr;
  std::vector<IpPrefix> prefixes{};
  bool broken = false;                         // its networks were refused; say no more of it
  std::vector<std::size_t> ports{};            // places in Draft::ports
  std::vector<std::size_t> routers{};          // ports that are routers'
  std::optional<std::size_t> gateway{};        // the port that default routes lead to
  std::optional<IpAddress> gateway_address{};  // or an address that the file names
  bool ambiguous = false;                      // several routers, and none named
};

// Whether a network keeps its first (and, in IPv4, its last) address for itself.
bool has_edges(const IpPrefix& prefix);
bool is_network_address(const IpPrefix& network, const IpAddress& address);
bool is_broadcast_address(const IpPrefix& network, const IpAddress& address);

// The network of a segment that an address is in; null when in none.
const IpPrefix* network_of(const Segment& segment, const IpAddress& address);

// "10.10.2.0/24, fd00::/64"
std::string networks_text(const std::vector<IpPrefix>& prefixes);

struct Draft {
  LabKeys& lab;
  Problems& problems;
  Topology& topology;
  std::unordered_map<std::string_view, std::size_t> nodes{};
  std::unordered_map<std::string_view, std::size_t> subnets{};
  std::vector<Port> ports{};  // in the order in which addresses are handed out
  std::vector<Segment> segments{};
  std::vector<bool> incomplete{};  // per node: an interface or address of it was refused

  [[nodiscard]] Node& node_of(const Port& port) const { return topology.nodes[port.end.node]; }

  [[nodiscard]] Interface& interface_of(const Port& port) const {
    return node_of(port).interfaces[port.end.interface];
  }
};

// Subnets, nodes, their interfaces and the links: every name resolved.
void place_parts(Draft& draft);

// Which subnet's router is the gateway; then all addresses.
void choose_gateways(Draft& draft);
void assign_addresses(Draft& draft);
void assign_macs(Draft& draft);

// Which interfaces have IPv6, and whether their MTU lets them.
void settle_ipv6(Draft& draft);

// The nodes' own routes, then the default routes.
void resolve_routes(Draft& draft);

// Follows `node:NAME`, and refuses what a shared namespace rules out.
void resolve_namespaces(Draft& draft);

// `after`, of nodes and of services.
void check_order(const Draft& draft);

// What concerns one node alone: limits, host names, files, services.
void check_nodes(const Draft& draft);

// "did you mean 'web'?", or nothing.
template <typename Index>
std::string did_you_mean(const Problems& problems, std::string_view name, const Index& index) {
  if (problems.full()) {
    return "";
  }
  std::vector<std::string_view> names;
  for (const auto& [known, place] : index) {
    names.push_back(known);
  }
  const std::string_view near = nearest(name, names);
  return near.empty() ? "" : "did you mean " + quote(near) + "?";
}

// The cycles of a graph, given as each vertex's successors.
std::vector<std::vector<std::size_t>> find_cycles(
    const std::vector<std::vector<std::size_t>>& successors);

}  // namespace nslab::topology
