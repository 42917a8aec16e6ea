// Routes of the main table.
#pragma once

#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "kernel/link.h"
#include "kernel/netlink.h"

namespace nslab::kernel {

// Marks a route as nslab's (rtm_protocol), as routing daemons mark theirs.
inline constexpr std::uint8_t kNslabProtocol = 0x6e;

enum class RouteType : std::uint8_t {
  unicast = RTN_UNICAST,
  blackhole = RTN_BLACKHOLE,
  unreachable = RTN_UNREACHABLE,
  prohibit = RTN_PROHIBIT,
};

struct Route {
  IpPrefix to;  // length 0: the default route
  std::optional<IpAddress> via;
  LinkIndex index = 0;  // 0: the kernel picks the interface from `via`
  // 0 for the default. IPv6 has none of that number: the kernel takes 1024, and
  // 1024 is reported as 0.
  std::uint32_t metric = 0;
  RouteType type = RouteType::unicast;
  std::uint8_t protocol = kNslabProtocol;

  bool operator==(const Route&) const = default;
};

// Fails with EEXIST where the same destination has a route of that metric.
void append_route(Batch& batch, std::size_t tag, const Route& route);
// The route to an address's own network, as the kernel makes it with the address: its protocol,
// scope and metric (fib_add_ifaddr() in net/ipv4/fib_frontend.c, addrconf_prefix_route() in
// net/ipv6/addrconf.c).
void append_connected_route(Batch& batch,
                            std::size_t tag,
                            LinkIndex index,
                            const IpPrefix& address);
// The route by which the address itself is local, in the table of such routes. One that is there
// is no failure.
void append_local_route(Batch& batch, std::size_t tag, LinkIndex index, const IpPrefix& address);
// Deletes the route of that destination, type, next hop, metric and protocol. An
// IPv4 metric of 0 stands for the lowest that there is.
void append_delete_route(Batch& batch, std::size_t tag, const Route& route);

// The main table of both families, without the kernel's cached and multicast
// entries. A route over several next hops is reported with none of them.
Result<std::vector<Route>> list_routes(Socket& socket);

}  // namespace nslab::kernel
