// A lab as it is meant: names resolved, defaults filled in, addresses handed
// out, and nothing in it that contradicts itself.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "topology/lab_file.h"

namespace nslab::topology {

inline constexpr std::uint32_t kDefaultMtu = 1500;
// What a node has that says nothing of it, of resource/share.h where it is a text.
inline constexpr std::uint64_t kDefaultPids = resource::kDefaultPids;
inline constexpr std::uint64_t kDefaultPtys = 64;
inline constexpr std::string_view kDefaultTmp = "10%";
inline constexpr std::string_view kDefaultRun = "10%";
inline constexpr std::string_view kDefaultShm = "64M";
inline constexpr std::string_view kDefaultLayers = "25%";
inline constexpr std::size_t kMaxInterfaces = 64;     // of a node
inline constexpr std::size_t kMaxBridgePorts = 1023;  // BR_MAX_PORTS of the kernel, less one

struct Subnet {
  std::string name;  // of its bridge, too
  Mark where;
  std::vector<IpPrefix> prefixes;
  std::uint32_t mtu = kDefaultMtu;
  bool says_mtu = false;
  std::optional<Ipv6Mode> ipv6;
};

// Where an interface comes from: one alternative of Medium each.
struct EndOfLink {};

// By a cable to a port of the subnet's bridge.
struct OnSubnet {
  std::size_t subnet = 0;  // place in Topology::subnets
  MacAddress port_mac;     // of that port
};

using Medium = std::variant<EndOfLink, OnSubnet>;

struct Interface {
  std::string name;
  Mark where;
  Medium medium;
  std::vector<IpPrefix> addresses;  // with host bits
  MacAddress mac;
  std::uint32_t mtu = kDefaultMtu;
  bool link_local = false;  // has an IPv6 link-local address
  resource::Says says;      // what of all this is in the file

  // Of the file, besides a link-local one.
  [[nodiscard]] bool has_ipv6() const;
};

struct Route {
  IpPrefix to;
  std::optional<IpAddress> via;
  std::string interface;  // always there for a unicast route
  std::uint32_t metric = 0;
  resource::RouteType type = resource::RouteType::unicast;
  Mark where;
};

struct Node {
  std::string name;
  Mark where;
  NodeKeys keys;  // as the file says it, inherited keys included
  std::vector<Interface> interfaces;
  std::vector<Route> routes;
  // What `node:NAME` leads to in the end, also over several nodes.
  std::array<resource::NsChoice, resource::kNsTypeNames.size()> namespaces;

  [[nodiscard]] std::string_view hostname() const {
    return keys.hostname ? std::string_view(*keys.hostname) : std::string_view(name);
  }

  // And with it /tmp, /run and terminals of its own.
  [[nodiscard]] bool has_own_root() const {
    return owns(resource::NsType::mnt) && keys.root.value_or("overlay") != "host";
  }

  [[nodiscard]] bool is_router() const { return keys.role.value_or(Role::host) == Role::router; }

  [[nodiscard]] const resource::NsChoice& ns(resource::NsType type) const {
    return namespaces[static_cast<std::size_t>(type)];
  }

  [[nodiscard]] bool owns(resource::NsType type) const {
    return ns(type).mode == resource::NsChoice::Mode::own;
  }
};

// An interface, by the places of its node in the topology and of itself there.
struct Endpoint {
  std::size_t node = 0;
  std::size_t interface = 0;
};

struct Link {
  std::array<Endpoint, 2> ends;
  Mark where;
  std::vector<IpPrefix> prefixes;
};

struct Topology {
  std::string name;
  std::string description;
  std::string layers;  // a resource/share.h
  std::shared_ptr<const std::string> file;
  std::string directory;        // of the file, where relative paths begin
  std::vector<Subnet> subnets;  // in the order of the file, as all lists here
  std::vector<Node> nodes;
  std::vector<Link> links;

  [[nodiscard]] SourcePos at(Mark mark) const { return {file, mark.line, mark.column}; }

  [[nodiscard]] const Interface& interface(Endpoint end) const {
    return nodes[end.node].interfaces[end.interface];
  }
};

// Resolves what the file says. Reports every contradiction; the result is whole
// only when there was none.
Topology resolve(LabKeys lab, std::string directory, Problems& problems);

// The absolute form of a path on the host. Empty when the directory is not known.
std::string host_path(const Topology& topology, std::string_view path);

}  // namespace nslab::topology
