#include "kernel/link.h"

#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/fd.h"
#include "base/text.h"

namespace nslab::kernel {

namespace {

std::string interface_text(LinkIndex index) {
  return "interface " + std::to_string(index);
}

ifinfomsg link_header(LinkIndex index, std::optional<bool> up = {}) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index);
  if (up) {
    header.ifi_flags = *up ? IFF_UP : 0;
    header.ifi_change = IFF_UP;
  }
  return header;
}

// One queue each way: the default is one for every CPU, and each costs time and
// memory.
void put_veth_end(Message& message, const VethEnd& end, std::uint32_t group) {
  message.put_header(link_header(end.index, end.up ? std::optional(true) : std::nullopt));
  message.put_string(IFLA_IFNAME, end.name);
  if (!end.mac.is_zero()) {
    message.put_bytes(IFLA_ADDRESS, end.mac.bytes);
  }
  message.put_u32(IFLA_MTU, end.mtu);
  message.put_u32(IFLA_GROUP, group);
  message.put_u32(IFLA_NUM_TX_QUEUES, 1);
  message.put_u32(IFLA_NUM_RX_QUEUES, 1);
  if (end.netns_fd >= 0) {
    message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(end.netns_fd));
  }
  if (end.master != 0) {
    message.put_u32(IFLA_MASTER, end.master);
  }
}

// Whether IPv6 makes a link-local address when the interface comes up. A
// message of its own: within one message the kernel raises the interface first.
void append_autoconf(Batch& batch, std::size_t tag, LinkIndex index, bool autoconf) {
  Message message(RTM_SETLINK, 0);
  message.put_header(link_header(index));
  {
    const auto families = message.nest(IFLA_AF_SPEC);
    const auto inet6 = message.nest(AF_INET6);
    message.put_u8(IFLA_INET6_ADDR_GEN_MODE,
                   autoconf ? IN6_ADDR_GEN_MODE_EUI64 : IN6_ADDR_GEN_MODE_NONE);
  }
  batch.add(tag, message, "setting IPv6 address generation of " + interface_text(index));
}

constexpr std::uint8_t kForwarding = 3;  // BR_STATE_FORWARDING in linux/if_bridge.h

// What a new port has (new_nbp() in net/bridge/br_if.c). Older kernels lack some.
constexpr std::array<std::pair<int, std::uint8_t>, 12> kNewPort{{{IFLA_BRPORT_LEARNING, 1},
                                                                 {IFLA_BRPORT_UNICAST_FLOOD, 1},
                                                                 {IFLA_BRPORT_MCAST_FLOOD, 1},
                                                                 {IFLA_BRPORT_BCAST_FLOOD, 1},
                                                                 {IFLA_BRPORT_ISOLATED, 0},
                                                                 {IFLA_BRPORT_GUARD, 0},
                                                                 {IFLA_BRPORT_MODE, 0},
                                                                 {IFLA_BRPORT_PROTECT, 0},
                                                                 {IFLA_BRPORT_FAST_LEAVE, 0},
                                                                 {IFLA_BRPORT_PROXYARP, 0},
                                                                 {IFLA_BRPORT_LOCKED, 0},
                                                                 {IFLA_BRPORT_NEIGH_SUPPRESS, 0}}};

bool is_plain_port(const Attributes& info, bool works) {
  if (info.string(IFLA_INFO_SLAVE_KIND) != "bridge") {
    return true;
  }
  const Attributes port = info.nested(IFLA_INFO_SLAVE_DATA, IFLA_BRPORT_MAX);
  return (!works || port.u8(IFLA_BRPORT_STATE, kForwarding) == kForwarding) &&
         std::ranges::all_of(kNewPort, [&](const auto& each) {
           return port.u8(each.first, each.second) == each.second;
         });
}

// A message of its own: in another the kernel takes them and does nothing.
void append_plain_port(Batch& batch, std::size_t tag, LinkIndex index) {
  Message message(RTM_NEWLINK, 0);
  message.put_header(link_header(index));
  {
    const auto info = message.nest(IFLA_LINKINFO);
    message.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
    const auto data = message.nest(IFLA_INFO_SLAVE_DATA);
    for (const auto& [attribute, value] : kNewPort) {
      message.put_u8(attribute, value);
    }
  }
  batch.add(tag, message, "changing port " + interface_text(index));
  Message state(RTM_NEWLINK, 0);
  state.put_header(link_header(index));
  {
    const auto info = state.nest(IFLA_LINKINFO);
    state.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
    const auto data = state.nest(IFLA_INFO_SLAVE_DATA);
    state.put_u8(IFLA_BRPORT_STATE, kForwarding);
  }
  // Without a carrier it is the kernel's to set, once there is one.
  batch.add(tag, state, "changing port " + interface_text(index), {ENETDOWN});
}

Link parse_link(const ifinfomsg& header, const Attributes& attributes) {
  Link link{.index = static_cast<LinkIndex>(header.ifi_index),
            .name = attributes.string(IFLA_IFNAME),
            .kind = attributes.nested(IFLA_LINKINFO, IFLA_INFO_MAX).string(IFLA_INFO_KIND),
            .alias = attributes.string(IFLA_IFALIAS),
            .mtu = attributes.u32(IFLA_MTU),
            .up = (header.ifi_flags & IFF_UP) != 0,
            .carrier = attributes.u8(IFLA_CARRIER) != 0,
            .master = attributes.u32(IFLA_MASTER),
            .group = attributes.u32(IFLA_GROUP),
            .peer = attributes.u32(IFLA_LINK)};
  if (link.master != 0) {
    link.plain_port =
        is_plain_port(attributes.nested(IFLA_LINKINFO, IFLA_INFO_MAX), link.up && link.carrier);
  }
  if (const auto mac = attributes.bytes(IFLA_ADDRESS); mac.size() == link.mac.bytes.size()) {
    std::copy(mac.begin(), mac.end(), link.mac.bytes.begin());
  }
  if (attributes.find(IFLA_LINK_NETNSID) != nullptr) {
    link.peer_nsid = static_cast<std::int32_t>(attributes.u32(IFLA_LINK_NETNSID));
  }
  const Attributes inet6 =
      attributes.nested(IFLA_AF_SPEC, AF_INET6).nested(AF_INET6, IFLA_INET6_MAX);
  link.has_ipv6 = inet6.find(IFLA_INET6_ADDR_GEN_MODE) != nullptr;
  link.ipv6_autoconf =
      inet6.u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) != IN6_ADDR_GEN_MODE_NONE;
  // All settings of the interface, a number each.
  std::int32_t disabled = 0;
  constexpr std::size_t kPlace = DEVCONF_DISABLE_IPV6 * sizeof disabled;
  if (const auto settings = inet6.bytes(IFLA_INET6_CONF);
      settings.size() >= kPlace + sizeof disabled) {
    std::memcpy(&disabled, settings.data() + kPlace, sizeof disabled);
  }
  link.ipv6_disabled = disabled != 0;
  const auto bytes = attributes.bytes(IFLA_STATS64);
  rtnl_link_stats64 stats{};
  std::memcpy(&stats, bytes.data(), std::min(bytes.size(), sizeof stats));
  link.received = {.bytes = stats.rx_bytes, .packets = stats.rx_packets};
  link.sent = {.bytes = stats.tx_bytes, .packets = stats.tx_packets};
  return link;
}

}  // namespace

bool kernel_has_ipv6() {
  static const bool found = [] {
    const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return socket.valid() || errno != EAFNOSUPPORT;
  }();
  return found;
}

bool is_fallback_tunnel(const Link& link) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTunnels{
      {{"ipip", "tunl0"},
       {"sit", "sit0"},
       {"gre", "gre0"},
       {"gretap", "gretap0"},
       {"erspan", "erspan0"},
       {"vti", "ip_vti0"},
       {"ip6tnl", "ip6tnl0"},
       {"ip6gre", "ip6gre0"},
       {"vti6", "ip6_vti0"}}};
  return std::ranges::any_of(kTunnels, [&](const auto& each) {
    return link.kind == each.first && link.name == each.second;
  });
}

void append_veth(
    Batch& batch, std::size_t tag, const VethEnd& a, const VethEnd& b, std::uint32_t group) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  put_veth_end(message, a, group);
  {
    const auto info = message.nest(IFLA_LINKINFO);
    message.put_string(IFLA_INFO_KIND, "veth");
    const auto data = message.nest(IFLA_INFO_DATA);
    const auto peer = message.nest(VETH_INFO_PEER);
    put_veth_end(message, b, group);
  }
  batch.add(tag, message, "creating cable " + quote(a.name) + " -- " + quote(b.name));
}

constexpr std::uint32_t kMinMtu = 68;  // ETH_MIN_MTU in linux/if_ether.h

void append_bridge(Batch& batch,
                   std::size_t tag,
                   const BridgeSettings& bridge,
                   std::uint32_t group) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(link_header(bridge.index, bridge.up ? std::optional(true) : std::nullopt));
  message.put_string(IFLA_IFNAME, bridge.name);
  // A bridge follows the smallest MTU of its ports until its own is changed: one that it was made
  // with does not count (br_mtu_auto_adjust() in net/bridge/br_if.c, br_change_mtu() in
  // net/bridge/br_device.c).
  message.put_u32(IFLA_MTU, bridge.mtu > kMinMtu ? bridge.mtu - 1 : kMinMtu + 1);
  message.put_u32(IFLA_GROUP, group);
  {
    const auto info = message.nest(IFLA_LINKINFO);
    message.put_string(IFLA_INFO_KIND, "bridge");
    const auto data = message.nest(IFLA_INFO_DATA);
    message.put_u32(IFLA_BR_FORWARD_DELAY, 0);
    message.put_u32(IFLA_BR_STP_STATE, 0);
    for (const int off : {IFLA_BR_MCAST_SNOOPING,
                          IFLA_BR_NF_CALL_IPTABLES,
                          IFLA_BR_NF_CALL_IP6TABLES,
                          IFLA_BR_NF_CALL_ARPTABLES}) {
      message.put_u8(off, 0);
    }
  }
  batch.add(tag, message, "creating bridge " + quote(bridge.name));
  Message mtu(RTM_NEWLINK, 0);
  mtu.put_header(link_header(0));
  mtu.put_string(IFLA_IFNAME, bridge.name);
  mtu.put_u32(IFLA_MTU, bridge.mtu);
  batch.add(tag, mtu, "setting the MTU of bridge " + quote(bridge.name));
}

void append_link_settings(Batch& batch,
                          std::size_t tag,
                          LinkIndex index,
                          const LinkSettings& settings) {
  if (settings.ipv6_autoconf) {
    append_autoconf(batch, tag, index, *settings.ipv6_autoconf);
  }
  LinkSettings others = settings;
  others.ipv6_autoconf.reset();
  others.plain_port = false;
  if (settings.plain_port) {
    append_plain_port(batch, tag, index);
  }
  if (others == LinkSettings{}) {
    return;
  }
  Message message(RTM_SETLINK, 0);
  message.put_header(link_header(index, settings.up));
  if (settings.mac) {
    message.put_bytes(IFLA_ADDRESS, settings.mac->bytes);
  }
  if (settings.mtu) {
    message.put_u32(IFLA_MTU, *settings.mtu);
  }
  if (settings.group) {
    message.put_u32(IFLA_GROUP, *settings.group);
  }
  if (settings.name) {
    message.put_string(IFLA_IFNAME, *settings.name);
  }
  if (settings.alias) {
    message.put_string(IFLA_IFALIAS, *settings.alias);
  }
  if (settings.master) {
    message.put_u32(IFLA_MASTER, *settings.master);
  }
  batch.add(tag, message, "changing " + interface_text(index));
}

void append_delete_link(Batch& batch, std::size_t tag, LinkIndex index) {
  Message message(RTM_DELLINK, 0);
  message.put_header(link_header(index));
  batch.add(tag, message, "deleting " + interface_text(index));
}

void append_delete_group(Batch& batch, std::size_t tag, std::uint32_t group) {
  Message message(RTM_DELLINK, 0);
  message.put_header(link_header(0));
  message.put_u32(IFLA_GROUP, group);
  batch.add(tag, message, "deleting the interfaces of group " + std::to_string(group));
}

Result<std::vector<Link>> list_links(Socket& socket, Counters counters) {
  Message request(RTM_GETLINK, 0);
  request.put_header(link_header(0));
  if (counters == Counters::none) {
    request.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  }
  std::vector<Link> links;
  NSLAB_TRY(socket.dump(request, "listing interfaces", [&](const nlmsghdr& message) {
    const auto* header = header_of<ifinfomsg>(message);
    if (message.nlmsg_type == RTM_NEWLINK && header != nullptr) {
      links.push_back(parse_link(*header, Attributes(message, sizeof *header, IFLA_MAX)));
    }
  }));
  std::sort(links.begin(), links.end(), [](const Link& left, const Link& right) {
    return left.index < right.index;
  });
  return links;
}

}  // namespace nslab::kernel
