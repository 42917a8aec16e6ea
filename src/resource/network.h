// What is in network namespaces, and these themselves.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "base/ip.h"
#include "resource/field.h"
#include "resource/kind.h"

namespace nslab::resource {

// The network namespace that holds a lab's bridges. A node cannot have this
// name, since '@' is not a letter of node names.
inline constexpr std::string_view kSwitch = "@switch";

// A named network namespace with its loopback up. It outlives the processes of its node.
// When these start again it is made anew, and the ends of cables that it holds move into
// the new one: what else was in it ends, and nobody's cables are cut (decision 11).
struct NetNs {
  static constexpr Kind kKind = Kind::netns;
  std::string name;      // a node, or kSwitch
  std::string userns;    // the node whose user namespace owns it; empty: the host's
  bool named = true;     // whether `ip netns` finds it
  bool loopback = true;  // whether that is up
  bool clean = true;     // false where a node that starts again has used it: only in a plan

  static constexpr auto fields() {
    return std::tuple{field("name", &NetNs::name, Cost::replace),
                      field("userns", &NetNs::userns, Cost::replace),
                      field("named", &NetNs::named),
                      field("loopback-up", &NetNs::loopback),
                      field("clean", &NetNs::clean)};
  }

  bool operator==(const NetNs&) const = default;
};

// A subnet's bridge, in the lab's switch namespace.
struct Bridge {
  static constexpr Kind kKind = Kind::bridge;
  std::string name;
  std::uint32_t mtu = 1500;
  bool up = true;
  bool marked = true;  // is in the group of what nslab makes

  static constexpr auto fields() {
    return std::tuple{field("name", &Bridge::name, Cost::replace),
                      field("mtu", &Bridge::mtu),
                      field("up", &Bridge::up),
                      field("marked", &Bridge::marked)};
  }

  bool operator==(const Bridge&) const = default;
};

// What the lab file says of a node's interface (decision 20). An interface is given a
// value for each when it is made; of what the file does not say, the node may make
// what it likes from then on, and no difference is seen.
struct Says {
  bool mac = false;
  bool mtu = false;
  bool up = false;  // something that the file says goes where the interface is down
  bool ipv6 = false;
  bool ipv6_mtu = false;  // it has IPv6, which goes where the MTU is too small for that

  static constexpr auto fields() {
    return std::tuple{field("mac", &Says::mac),
                      field("mtu", &Says::mtu),
                      field("up", &Says::up),
                      field("ipv6", &Says::ipv6),
                      field("ipv6-mtu", &Says::ipv6_mtu)};
  }

  bool operator==(const Says&) const = default;
};

inline constexpr std::uint32_t kMinIpv6Mtu = 1280;  // RFC 8200, section 5

// One end of a veth pair.
struct VethEnd {
  std::string netns;
  std::string name;
  MacAddress mac;
  std::uint32_t mtu = 1500;
  bool up = true;
  std::string bridge;  // the bridge of which it is a port; empty for none
  bool ipv6 = false;   // whether it has an IPv6 link-local address
  bool plain = true;   // as a port: forwards, learns and floods as a new one
  Says says;           // of a node's interface
  // Where the first end is instead, as it was found: "wan0" for another name, "db:eth1"
  // for another node, kNowhere for a namespace that is not the lab's. Its place above is
  // then where its mark says.
  std::string strayed{};

  static constexpr std::string_view kNowhere = "?";

  static constexpr auto fields() {
    return std::tuple{field("netns", &VethEnd::netns, Cost::replace),
                      field("name", &VethEnd::name, Cost::replace),
                      field("mac", &VethEnd::mac),
                      field("mtu", &VethEnd::mtu),
                      field("up", &VethEnd::up),
                      field("bridge", &VethEnd::bridge),
                      field("ipv6", &VethEnd::ipv6),
                      field("plain-port", &VethEnd::plain),
                      field("says", &VethEnd::says),
                      field("strayed", &VethEnd::strayed, Cost::replace)};
  }

  // Whether a field is the lab file's, so that another value is a difference. The switch
  // is nslab's alone, and IPv6 is off in it.
  [[nodiscard]] bool rules(std::string_view field) const {
    if (netns == kSwitch) {
      return field != "ipv6";
    }
    return field == "mac"    ? says.mac
           : field == "mtu"  ? says.mtu || (says.ipv6_mtu && mtu < kMinIpv6Mtu)
           : field == "up"   ? says.up
           : field == "ipv6" ? says.ipv6
                             : field != "bridge" && field != "plain-port";
  }

  bool operator==(const VethEnd&) const = default;
};

// A cable: between two nodes, or between a node and a port of a bridge.
struct Veth {
  static constexpr Kind kKind = Kind::veth;
  VethEnd a;  // names the cable
  VethEnd b;

  static constexpr auto fields() { return std::tuple{field("a", &Veth::a), field("b", &Veth::b)}; }

  bool operator==(const Veth&) const = default;
};

// An interface in a node that nslab did not make. Only ever observed; removed
// where the node's restart begins from what the file says. Tunnels that the kernel gives
// to every namespace are none of these.
struct Link {
  static constexpr Kind kKind = Kind::link;
  std::string netns;
  std::string name;

  static constexpr auto fields() {
    return std::tuple{field("netns", &Link::netns, Cost::replace),
                      field("name", &Link::name, Cost::replace)};
  }

  bool operator==(const Link&) const = default;
};

struct Address {
  static constexpr Kind kKind = Kind::address;
  std::string netns;
  std::string interface;
  IpPrefix address;  // with host bits: 10.10.1.2/24
  // Whether its network is routed to the interface. The kernel makes that route with the
  // address, and who empties a routing table takes it away.
  bool routed = true;
  bool lasts = true;  // whether the kernel keeps it until it is taken away

  static constexpr auto fields() {
    return std::tuple{field("netns", &Address::netns, Cost::replace),
                      field("interface", &Address::interface, Cost::replace),
                      field("address", &Address::address, Cost::replace),
                      field("network-is-routed", &Address::routed),
                      field("lasts", &Address::lasts)};
  }

  bool operator==(const Address&) const = default;
};

enum class RouteType : std::uint8_t {
  unicast,
  blackhole,
  unreachable,
  prohibit,
};

inline constexpr std::array<std::string_view, 4> kRouteTypeNames{
    "unicast", "blackhole", "unreachable", "prohibit"};

// A route of the main table.
struct Route {
  static constexpr Kind kKind = Kind::route;
  std::string netns;
  IpPrefix to;  // length 0: the default route
  std::uint32_t metric = 0;
  RouteType type = RouteType::unicast;
  std::optional<IpAddress> via;
  std::string interface;  // empty: the kernel picks it from `via`

  static constexpr auto fields() {
    return std::tuple{field("netns", &Route::netns, Cost::replace),
                      field("to", &Route::to, Cost::replace),
                      field("metric", &Route::metric, Cost::replace),
                      field("type", &Route::type),
                      field("via", &Route::via),
                      field("interface", &Route::interface)};
  }

  bool operator==(const Route&) const = default;
};

// A kernel parameter of the node's network or IPC namespace. Destroying it
// writes back the value that it had before.
struct Sysctl {
  static constexpr Kind kKind = Kind::sysctl;
  std::string node;
  std::string key;  // "net.ipv4.ip_forward"
  // As it was written where the kernel shows what it made of that: "0x10" for 16.
  std::string value;

  static constexpr auto fields() {
    return std::tuple{field("node", &Sysctl::node, Cost::replace),
                      field("key", &Sysctl::key, Cost::replace),
                      field("value", &Sysctl::value)};
  }

  bool operator==(const Sysctl&) const = default;
};

}  // namespace nslab::resource
