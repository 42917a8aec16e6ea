// Kinds of interfaces and queueing disciplines, made in the attempt's own network
// namespace.
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "kernel/link.h"
#include "probe/attempts.h"
#include "probe/child.h"

namespace nslab::probe {
namespace {

using kernel::Batch;
using kernel::Message;
using kernel::Socket;

// Interface numbers in the attempt's namespace.
constexpr kernel::LinkIndex kLower = 10;
constexpr kernel::LinkIndex kUpper = 12;

// What the creating message of a kind has to say.
void put_nothing(Message& /*message*/) {}

void put_vlan_id(Message& message) {
  message.put_u16(IFLA_VLAN_ID, 7);
}

void put_vxlan(Message& message) {
  message.put_u32(IFLA_VXLAN_ID, 7);
  message.put_u16(IFLA_VXLAN_PORT, 0xb512);  // 4789, in the network's byte order
}

void put_vrf_table(Message& message) {
  message.put_u32(IFLA_VRF_TABLE, 7);
}

void put_vlan_filtering(Message& message) {
  message.put_u8(IFLA_BR_VLAN_FILTERING, 1);
}

struct LinkKind {
  std::string_view name;
  bool on_another;  // made on top of an interface
  void (*put)(Message& message);
};

constexpr std::array kKinds{LinkKind{"bridge", false, put_nothing},
                            LinkKind{"dummy", false, put_nothing},
                            LinkKind{"ifb", false, put_nothing},
                            LinkKind{"macvlan", true, put_nothing},
                            LinkKind{"vlan", true, put_vlan_id},
                            LinkKind{"vrf", false, put_vrf_table},
                            LinkKind{"vxlan", false, put_vxlan},
                            LinkKind{"wireguard", false, put_nothing}};

Result<void> execute(Socket& socket, const Batch& batch) {
  auto failures = socket.execute(batch);
  if (!failures.empty()) {
    return std::move(failures.front().error);
  }
  return {};
}

Result<void> make_cable(Socket& socket) {
  Batch batch;
  kernel::append_veth(batch,
                      0,
                      {.name = "lower", .index = kLower},
                      {.name = "lower-peer", .index = kLower + 1},
                      kernel::kNslabGroup);
  return execute(socket, batch);
}

Result<void> make_link(Socket& socket, const LinkKind& kind) {
  if (kind.on_another) {
    NSLAB_TRY(make_cable(socket));
  }
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(kUpper);
  message.put_header(header);
  message.put_string(IFLA_IFNAME, "tried");
  if (kind.on_another) {
    message.put_u32(IFLA_LINK, kLower);
  }
  {
    const auto info = message.nest(IFLA_LINKINFO);
    message.put_string(IFLA_INFO_KIND, std::string(kind.name));
    const auto data = message.nest(IFLA_INFO_DATA);
    kind.put(message);
  }
  Batch batch;
  batch.add(0, message, "creating an interface of kind " + quote(kind.name));
  return execute(socket, batch);
}

// A kernel without VLAN filtering ignores the wish for it.
Result<bool> filters_vlans(Socket& socket) {
  Message request(RTM_GETLINK, 0);
  request.put_header(ifinfomsg{});
  bool filters = false;
  NSLAB_TRY(socket.dump(request, "listing interfaces", [&](const nlmsghdr& message) {
    const kernel::Attributes data = kernel::Attributes(message, sizeof(ifinfomsg), IFLA_MAX)
                                        .nested(IFLA_LINKINFO, IFLA_INFO_MAX)
                                        .nested(IFLA_INFO_DATA, IFLA_BR_MAX);
    const auto* header = kernel::header_of<ifinfomsg>(message);
    if (header != nullptr && header->ifi_index == static_cast<int>(kUpper)) {
      filters = data.u8(IFLA_BR_VLAN_FILTERING) == 1;
    }
  }));
  return filters;
}

// A request that no kernel grants, since it asks for too many queues. It is
// refused as such (EINVAL) by a kernel that knows the kind.
std::optional<int> refusal_of(std::string_view kind) {
  constexpr std::uint32_t kTooManyQueues = 1U << 20;
  auto socket = Socket::open();
  if (!socket) {
    return std::nullopt;
  }
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(ifinfomsg{});
  message.put_u32(IFLA_NUM_TX_QUEUES, kTooManyQueues);
  {
    const auto info = message.nest(IFLA_LINKINFO);
    message.put_string(IFLA_INFO_KIND, std::string(kind));
  }
  Batch batch;
  batch.add(0, message, "asking for a kind of interface");
  const auto failures = socket->execute(batch);
  return failures.empty() ? std::nullopt : std::optional(failures.front().error.os_error);
}

void put_netem(Message& message) {
  const tc_netem_qopt options{.latency = 1000, .limit = 1000};
  message.put_bytes(TCA_OPTIONS, {reinterpret_cast<const std::uint8_t*>(&options), sizeof options});
}

void put_tbf(Message& message) {
  tc_tbf_qopt options{};
  options.rate.rate = 125000;
  options.rate.linklayer = TC_LINKLAYER_ETHERNET;
  options.limit = 10000;
  const auto nest = message.nest(TCA_OPTIONS);
  message.put_bytes(TCA_TBF_PARMS,
                    {reinterpret_cast<const std::uint8_t*>(&options), sizeof options});
  message.put_u32(TCA_TBF_BURST, 5000);
}

Result<void> add_qdisc(Socket& socket, std::string_view kind) {
  Message message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
  tcmsg header{};
  header.tcm_ifindex = static_cast<int>(kernel::kLoopback);
  header.tcm_parent = TC_H_ROOT;
  message.put_header(header);
  message.put_string(TCA_KIND, std::string(kind));
  kind == "netem" ? put_netem(message) : put_tbf(message);
  Batch batch;
  batch.add(0, message, "adding the queueing discipline " + quote(kind));
  return execute(socket, batch);
}

}  // namespace

Finding try_link(const Feature& feature) {
  return finding_of([&]() -> Result<void> {
    NSLAB_ASSIGN(socket, Socket::open());
    if (feature.id == "veth") {
      return make_cable(socket);
    }
    return make_link(socket, *std::ranges::find(kKinds, feature.id, &LinkKind::name));
  }());
}

bool knows_link(const Feature& feature) {
  return refusal_of(feature.id) == EINVAL;
}

Finding try_vlan_filtering(const Feature& /*feature*/) {
  auto socket = Socket::open();
  if (!socket) {
    return finding_of(socket.error());
  }
  const auto made = make_link(*socket, {"bridge", false, put_vlan_filtering});
  if (!made) {
    return finding_of(made);
  }
  const auto filters = filters_vlans(*socket);
  if (!filters) {
    return finding_of(filters.error());
  }
  return *filters ? Finding{} : Finding{State::missing, "the kernel ignores the wish for it"};
}

Finding try_qdisc(const Feature& feature) {
  return finding_of([&]() -> Result<void> {
    NSLAB_ASSIGN(socket, Socket::open());
    return add_qdisc(socket, feature.id);
  }());
}

}  // namespace nslab::probe
