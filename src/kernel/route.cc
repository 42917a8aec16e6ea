#include "kernel/route.h"

#include <sys/socket.h>

#include <string>

namespace nslab::kernel {

namespace {

// IP6_RT_PRIO_USER of the kernel.
constexpr std::uint32_t kDefaultMetricV6 = 1024;

std::uint32_t kernel_metric(const Route& route) {
  return route.metric == 0 && route.to.address.is_v6() ? kDefaultMetricV6 : route.metric;
}

// A route to what is on the link itself has link scope.
std::uint8_t scope_of(const Route& route) {
  return route.type == RouteType::unicast && !route.via ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

rtmsg route_header(const Route& route) {
  rtmsg header{};
  header.rtm_family = route.to.address.is_v6() ? AF_INET6 : AF_INET;
  header.rtm_dst_len = route.to.length;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = route.protocol;
  header.rtm_type = static_cast<std::uint8_t>(route.type);
  return header;
}

void put_route(Message& message, const Route& route, std::uint8_t scope) {
  rtmsg header = route_header(route);
  header.rtm_scope = scope;
  message.put_header(header);
  if (route.to.length != 0) {
    message.put_bytes(RTA_DST, route.to.network().address.bytes());
  }
  if (route.via) {
    message.put_bytes(RTA_GATEWAY, route.via->bytes());
  }
  if (route.index != 0) {
    message.put_u32(RTA_OIF, route.index);
  }
  if (const std::uint32_t metric = kernel_metric(route); metric != 0) {
    message.put_u32(RTA_PRIORITY, metric);
  }
}

std::string route_text(const Route& route) {
  std::string text = "route to " + to_string(route.to.network());
  if (route.via) {
    text += " via " + to_string(*route.via);
  }
  return text;
}

// Entries that nobody routes by hand: copies that IPv6 keeps for its
// neighbours, its own addresses, multicast.
bool is_internal(const rtmsg& header) {
  return (header.rtm_flags & RTM_F_CLONED) != 0 || header.rtm_type == RTN_LOCAL ||
         header.rtm_type == RTN_MULTICAST || header.rtm_type == RTN_ANYCAST ||
         header.rtm_type == RTN_BROADCAST;
}

Route parse_route(const rtmsg& header, const Attributes& attributes) {
  const bool v6 = header.rtm_family == AF_INET6;
  Route route{.metric = attributes.u32(RTA_PRIORITY),
              .type = static_cast<RouteType>(header.rtm_type),
              .protocol = header.rtm_protocol};
  const IpAddress unspecified = v6 ? IpAddress::v6({}) : IpAddress::v4(0);
  route.to = {IpAddress::from_bytes(attributes.bytes(RTA_DST)).value_or(unspecified),
              header.rtm_dst_len};
  route.via = IpAddress::from_bytes(attributes.bytes(RTA_GATEWAY));
  if (v6 && route.metric == kDefaultMetricV6) {
    route.metric = 0;
  }
  // IPv6 says that a blackhole is on the loopback; IPv4 does not.
  if (route.type == RouteType::unicast) {
    route.index = attributes.u32(RTA_OIF);
  }
  return route;
}

}  // namespace

void append_route(Batch& batch, std::size_t tag, const Route& route) {
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  put_route(message, route, scope_of(route));
  batch.add(tag, message, "adding " + route_text(route));
}

void append_connected_route(Batch& batch,
                            std::size_t tag,
                            LinkIndex index,
                            const IpPrefix& address) {
  constexpr std::uint32_t kMetricV6 = 256;  // IP6_RT_PRIO_ADDRCONF of the kernel
  const bool v6 = address.address.is_v6();
  const Route route{.to = address.network(),
                    .index = index,
                    .metric = v6 ? kMetricV6 : 0,
                    .protocol = RTPROT_KERNEL};
  // Beside one to the same network by another interface.
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND);
  put_route(message, route, RT_SCOPE_LINK);
  if (!v6) {
    message.put_bytes(RTA_PREFSRC, address.address.bytes());
  }
  batch.add(tag, message, "adding " + route_text(route));
}

void append_local_route(Batch& batch, std::size_t tag, LinkIndex index, const IpPrefix& address) {
  const bool v6 = address.address.is_v6();
  rtmsg header{};
  header.rtm_family = v6 ? AF_INET6 : AF_INET;
  header.rtm_dst_len = v6 ? 128 : 32;
  header.rtm_table = RT_TABLE_LOCAL;
  header.rtm_protocol = RTPROT_KERNEL;
  header.rtm_scope = v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_HOST;
  header.rtm_type = RTN_LOCAL;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(header);
  message.put_bytes(RTA_DST, address.address.bytes());
  message.put_u32(RTA_OIF, index);
  if (!v6) {
    message.put_bytes(RTA_PREFSRC, address.address.bytes());
  }
  batch.add(tag, message, "making " + to_string(address) + " local", {EEXIST});
}

void append_delete_route(Batch& batch, std::size_t tag, const Route& route) {
  Message message(RTM_DELROUTE, 0);
  put_route(message, route, RT_SCOPE_NOWHERE);  // of any scope
  batch.add(tag, message, "deleting " + route_text(route));
}

namespace {

Result<void> list_routes(Socket& socket, std::uint8_t family, std::vector<Route>& routes) {
  Message request(RTM_GETROUTE, 0);
  request.put_header(rtmsg{.rtm_family = family});
  // Kernels that check strictly send this table only; others send all.
  request.put_u32(RTA_TABLE, RT_TABLE_MAIN);
  auto listed = socket.dump(request, "listing routes", [&](const nlmsghdr& message) {
    const auto* header = header_of<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || header == nullptr || header->rtm_family != family ||
        is_internal(*header)) {
      return;
    }
    const Attributes attributes(message, sizeof *header, RTA_MAX);
    if (attributes.u32(RTA_TABLE, header->rtm_table) == RT_TABLE_MAIN) {
      routes.push_back(parse_route(*header, attributes));
    }
  });
  // Nothing of the family was up yet in the namespace: it has no table.
  return !listed && listed.error().os_error == ENOENT ? Result<void>() : std::move(listed);
}

}  // namespace

Result<std::vector<Route>> list_routes(Socket& socket) {
  std::vector<Route> routes;
  for (const std::uint8_t family : kFamilies) {
    NSLAB_TRY(list_routes(socket, family, routes));
  }
  return routes;
}

}  // namespace nslab::kernel
