// Network interfaces: making, changing, deleting and listing them by rtnetlink.
//
// Changes go into a Batch and act where the socket that executes it was opened;
// no change here names its target by namespace id, which the kernel would
// apply to the socket's own namespace when the link already exists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "kernel/netlink.h"

namespace nslab::kernel {

// The group (IFLA_GROUP) of every interface that nslab makes, "nslb" in ASCII:
// the one mark that the message that creates an interface can carry, for both
// ends of a veth. Aliases and alternative names need a second message, so that
// a crash between the two would leave an unmarked interface.
inline constexpr std::uint32_t kNslabGroup = 0x6e736c62;

// The kernel takes IPv6 off an interface whose MTU is lower (RFC 8200), with its settings,
// and gives it anew when it is raised again.
inline constexpr std::uint32_t kMinIpv6Mtu = 1280;

// False where it was built without IPv6, or started with ipv6.disable=1.
bool kernel_has_ipv6();

// A network interface's place in its namespace. The loopback's is always 1.
using LinkIndex = std::uint32_t;
inline constexpr LinkIndex kLoopback = 1;

struct VethEnd {
  int netns_fd = -1;    // -1: the socket's own namespace
  std::string name;     // at most 15 bytes
  LinkIndex index = 0;  // 0: the kernel chooses, for this end and for that named after it
  MacAddress mac;       // all zero: a random one
  std::uint32_t mtu = 1500;
  LinkIndex master = 0;  // the bridge it is a port of, in its own namespace; 0: none
  bool up = false;       // of the end named first only; see append_veth
};

// One message for the cable: both ends in place, with their names, addresses,
// MTU and group. `a` can be created up. `b` cannot, since the kernel raises it
// before it has a peer (ENOTCONN): raise it by append_link_settings. A bridge
// is possible for `a` only, whose namespace is then the bridge's.
void append_veth(
    Batch& batch, std::size_t tag, const VethEnd& a, const VethEnd& b, std::uint32_t group);

struct BridgeSettings {
  std::string name;
  LinkIndex index = 0;  // 0: the kernel chooses
  std::uint32_t mtu = 1500;
  bool up = true;
};

// A bridge without a mind of its own: no spanning tree, no multicast snooping,
// no forwarding delay, no calls into the host's firewall, and with its own MTU whatever that of
// its ports is. Two messages: where the first fails, what it says comes first.
void append_bridge(Batch& batch,
                   std::size_t tag,
                   const BridgeSettings& bridge,
                   std::uint32_t group);

// What to change of an interface that exists; what has no value stays as it is.
// Applied in an order that never shows a state in between to the wire: IPv6
// link-local addresses are off before the interface is up. Where the MTU is below
// kMinIpv6Mtu, or the kernel has no IPv6, there is no IPv6 to set (EAFNOSUPPORT).
struct LinkSettings {
  std::optional<MacAddress> mac;
  std::optional<std::uint32_t> mtu;
  std::optional<LinkIndex> master;    // 0 takes the port from its bridge
  std::optional<bool> ipv6_autoconf;  // whether it makes itself a link-local address
  std::optional<bool> up;
  std::optional<std::string> name;
  std::optional<std::uint32_t> group;
  std::optional<std::string> alias;  // free text that `ip link` shows
  bool plain_port = false;           // gives a port of a bridge the settings of a new one

  bool operator==(const LinkSettings&) const = default;
};

void append_link_settings(Batch& batch,
                          std::size_t tag,
                          LinkIndex index,
                          const LinkSettings& settings);

// Deletes one interface, and a veth's peer with it. Each costs an RCU grace
// period (16 ms); by group, many cost one.
void append_delete_link(Batch& batch, std::size_t tag, LinkIndex index);
void append_delete_group(Batch& batch, std::size_t tag, std::uint32_t group);

struct Traffic {
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;
};

struct Link {
  LinkIndex index = 0;
  std::string name;
  std::string kind;  // "veth", "bridge"; empty for loopback and hardware
  std::string alias;
  MacAddress mac;
  std::uint32_t mtu = 0;
  bool up = false;       // as set (IFF_UP)
  bool carrier = false;  // as it is: the peer is up too
  LinkIndex master = 0;
  bool plain_port = true;  // as a port of a bridge is when it is new; and forwarding, if up
  std::uint32_t group = 0;
  LinkIndex peer = 0;                     // of a veth: in its own namespace
  std::optional<std::int32_t> peer_nsid;  // empty: the peer is in the same namespace
  bool ipv6_autoconf = false;
  bool has_ipv6 = false;       // false below kMinIpv6Mtu too
  bool ipv6_disabled = false;  // by the sysctl disable_ipv6: it then has no address
  Traffic received;            // 0 where it was not asked for
  Traffic sent;
};

// Tunnels that the kernel makes in every network namespace as soon as their module is
// loaded, and does not delete: tunl0, sit0 and their like (fb_tunnels_only_for_init_net in
// Documentation/admin-guide/sysctl/net.rst).
bool is_fallback_tunnel(const Link& link);

// The kernel adds up some eighty counters over all processors for each interface:
// that takes longer than all else about it.
enum class Counters : std::uint8_t {
  none,
  traffic
};

// Every interface of the socket's namespace, in the order of their indexes.
Result<std::vector<Link>> list_links(Socket& socket, Counters counters = Counters::none);

}  // namespace nslab::kernel
