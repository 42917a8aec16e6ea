#include "kernel/move.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "kernel/offloads.h"

// In the kernel's headers since 6.3.
#ifndef IFLA_GSO_IPV4_MAX_SIZE
#define IFLA_GSO_IPV4_MAX_SIZE 63
#define IFLA_GRO_IPV4_MAX_SIZE 64
#endif

namespace nslab::kernel {
namespace {

constexpr int kMostType = IFLA_GRO_IPV4_MAX_SIZE;

// What somebody can set: IFF_UP is the caller's.
constexpr unsigned kFlags = IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI |
                            IFF_MULTICAST | IFF_PORTSEL | IFF_AUTOMEDIA | IFF_DYNAMIC;

constexpr std::array<int, 6> kNumbers{IFLA_TXQLEN,
                                      IFLA_GSO_MAX_SIZE,
                                      IFLA_GSO_MAX_SEGS,
                                      IFLA_GRO_MAX_SIZE,
                                      IFLA_GSO_IPV4_MAX_SIZE,
                                      IFLA_GRO_IPV4_MAX_SIZE};

struct Device {
  LinkIndex index = 0;
  std::string name;
  bool is_veth = false;
  unsigned flags = 0;
  std::array<std::optional<std::uint32_t>, kNumbers.size()> numbers{};
  std::vector<std::string> other_names;
  bool has_program = false;  // an XDP program
};

std::vector<std::string> names_in(const nlattr* list) {
  std::vector<std::string> names;
  if (list == nullptr) {
    return names;
  }
  int left = nla_len(list);
  for (auto* each = static_cast<nlattr*>(nla_data(list)); nla_ok(each, left) != 0;
       each = nla_next(each, &left)) {
    if (nla_type(each) == IFLA_ALT_IFNAME) {
      names.emplace_back(nla_get_string(each));
    }
  }
  return names;
}

Device parse(const ifinfomsg& header, const Attributes& attributes) {
  Device device{
      .index = static_cast<LinkIndex>(header.ifi_index),
      .name = attributes.string(IFLA_IFNAME),
      .is_veth = attributes.nested(IFLA_LINKINFO, IFLA_INFO_MAX).string(IFLA_INFO_KIND) == "veth",
      .flags = header.ifi_flags & kFlags,
      .other_names = names_in(attributes.find(IFLA_PROP_LIST)),
      .has_program = attributes.nested(IFLA_XDP, IFLA_XDP_MAX).u8(IFLA_XDP_ATTACHED) != 0};
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    if (attributes.find(kNumbers[i]) != nullptr) {
      device.numbers[i] = attributes.u32(kNumbers[i]);
    }
  }
  return device;
}

Result<std::vector<Device>> list_veths(Socket& socket) {
  Message request(RTM_GETLINK, 0);
  request.put_header(ifinfomsg{});
  request.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  std::vector<Device> devices;
  NSLAB_TRY(socket.dump(request, "listing interfaces", [&](const nlmsghdr& message) {
    const auto* header = header_of<ifinfomsg>(message);
    if (message.nlmsg_type == RTM_NEWLINK && header != nullptr) {
      Device device = parse(*header, Attributes(message, sizeof *header, kMostType));
      if (device.is_veth) {
        devices.push_back(std::move(device));
      }
    }
  }));
  return devices;
}

Message about(const Device& device, std::uint16_t type) {
  Message message(type, 0);
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(device.index);
  message.put_header(header);
  return message;
}

// A veth that was never touched: read from one that is made for that.
struct Untouched {
  Device device;
  Offloads offloads;
};

Result<Untouched> look_at_untouched() {
  NSLAB_ASSIGN(place, create_netns());
  Batch batch;
  append_veth(batch, 0, {.name = "untouched"}, {.name = "peer"}, kNslabGroup);
  if (auto failures = place.socket.execute(batch); !failures.empty()) {
    return std::move(failures.front().error);
  }
  NSLAB_ASSIGN(devices, list_veths(place.socket));
  NSLAB_ASSIGN(asked, in_netns(place.ns.get(), [] { return offloads("untouched"); }));
  const auto found = std::ranges::find(devices, "untouched", &Device::name);
  if (found == devices.end()) {
    return kernel_error("looking at a new interface", ENODEV);
  }
  return Untouched{.device = *std::move(found), .offloads = std::move(asked)};
}

// A message for each thing: the kernel answers one with an errno that it cannot set.
void append_reset(Batch& batch, const Device& device, const Device& untouched) {
  const std::string what = "setting interface '" + device.name + "' back";
  if (device.flags != untouched.flags) {
    Message message(RTM_SETLINK, 0);
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(device.index);
    header.ifi_flags = untouched.flags;
    header.ifi_change = kFlags;
    message.put_header(header);
    batch.add(0, message, what);
  }
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    if (untouched.numbers[i] && device.numbers[i] != untouched.numbers[i]) {
      Message message = about(device, RTM_SETLINK);
      message.put_u32(kNumbers[i], *untouched.numbers[i]);
      batch.add(0, message, what);
    }
  }
  if (device.has_program) {
    Message message = about(device, RTM_SETLINK);
    {
      const auto program = message.nest(IFLA_XDP);
      message.put_u32(IFLA_XDP_FD, static_cast<std::uint32_t>(-1));
    }
    batch.add(0, message, what);
  }
  for (const std::string& name : device.other_names) {
    Message message = about(device, RTM_DELLINKPROP);
    {
      const auto list = message.nest(IFLA_PROP_LIST);
      message.put_string(IFLA_ALT_IFNAME, name);
    }
    batch.add(0, message, what);
  }
}

Result<void> reset(NetnsHandle& netns) {
  NSLAB_ASSIGN(untouched, look_at_untouched());
  NSLAB_ASSIGN(devices, list_veths(netns.socket));
  Batch batch;
  for (const Device& device : devices) {
    append_reset(batch, device, untouched.device);
  }
  if (auto failures = netns.socket.execute(batch); !failures.empty()) {
    return std::move(failures.front().error);
  }
  return in_netns(netns.ns.get(), [&]() -> Result<void> {
    for (const Device& device : devices) {
      NSLAB_TRY(set_offloads(device.name, untouched.offloads));
    }
    return {};
  });
}

}  // namespace

Result<void> move_veths(Socket& from, const std::vector<LinkIndex>& ends, NetnsHandle& to) {
  Batch batch;
  for (const LinkIndex index : ends) {
    Message message(RTM_SETLINK, 0);
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    message.put_header(header);
    message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(to.ns.get()));
    batch.add(0, message, "moving interface " + std::to_string(index));
  }
  for (Failure& failure : from.execute(batch)) {
    if (failure.error.os_error != ENODEV) {
      return std::move(failure.error);
    }
  }
  return ends.empty() ? Result<void>() : reset(to);
}

}  // namespace nslab::kernel
