#include "kernel/address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

// In the kernel's headers since 5.18.
#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif

namespace nslab::kernel {

namespace {

ifaddrmsg address_header(LinkIndex index, const IpPrefix& address) {
  ifaddrmsg header{};
  header.ifa_family = address.address.is_v6() ? AF_INET6 : AF_INET;
  header.ifa_prefixlen = address.length;
  header.ifa_index = index;
  return header;
}

void put_address(Message& message, LinkIndex index, const IpPrefix& address) {
  message.put_header(address_header(index, address));
  message.put_bytes(IFA_LOCAL, address.address.bytes());
  message.put_bytes(IFA_ADDRESS, address.address.bytes());
}

// A /31 and a /32 have no broadcast address.
bool has_broadcast(const IpPrefix& address) {
  return !address.address.is_v6() && address.length < 31;
}

IpPrefix link_local(const MacAddress& mac) {
  const auto& [a, b, c, d, e, f] = mac.bytes;
  constexpr std::uint8_t kUniversal = 0x02;
  return {IpAddress::v6({0xfe,
                         0x80,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0,
                         static_cast<std::uint8_t>(a ^ kUniversal),
                         b,
                         c,
                         0xff,
                         0xfe,
                         d,
                         e,
                         f}),
          64};
}

std::string address_text(LinkIndex index, const IpPrefix& address) {
  return "address " + to_string(address) + " of interface " + std::to_string(index);
}

}  // namespace

namespace {

void append_new_address(
    Batch& batch, std::size_t tag, LinkIndex index, const IpPrefix& address, std::uint16_t how) {
  Message message(RTM_NEWADDR, how);
  put_address(message, index, address);
  message.put_u8(IFA_PROTO, kNslabAddressProtocol);
  if (has_broadcast(address)) {
    message.put_bytes(IFA_BROADCAST, address.address.masked(address.length, true).bytes());
  }
  if (address.address.is_v6()) {
    message.put_u32(IFA_FLAGS, IFA_F_NODAD);
  }
  batch.add(tag, message, "adding " + address_text(index, address));
}

}  // namespace

void append_address(Batch& batch, std::size_t tag, LinkIndex index, const IpPrefix& address) {
  append_new_address(batch, tag, index, address, NLM_F_CREATE | NLM_F_EXCL);
}

void append_lasting_address(Batch& batch,
                            std::size_t tag,
                            LinkIndex index,
                            const IpPrefix& address) {
  append_new_address(batch, tag, index, address, NLM_F_CREATE | NLM_F_REPLACE);
}

void append_link_local(Batch& batch, std::size_t tag, LinkIndex index, const MacAddress& mac) {
  const IpPrefix address = link_local(mac);
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  put_address(message, index, address);
  message.put_u32(IFA_FLAGS, IFA_F_NODAD);
  batch.add(tag, message, "adding " + address_text(index, address), {EEXIST, EACCES, EPERM});
}

void append_delete_link_local(Batch& batch,
                              std::size_t tag,
                              LinkIndex index,
                              const MacAddress& mac) {
  const IpPrefix address = link_local(mac);
  Message message(RTM_DELADDR, 0);
  put_address(message, index, address);
  batch.add(tag, message, "deleting " + address_text(index, address), {EADDRNOTAVAIL});
}

void append_delete_address(Batch& batch,
                           std::size_t tag,
                           LinkIndex index,
                           const IpPrefix& address) {
  Message message(RTM_DELADDR, 0);
  put_address(message, index, address);
  batch.add(tag, message, "deleting " + address_text(index, address));
}

namespace {

Result<void> list_addresses(Socket& socket, std::uint8_t family, std::vector<Address>& addresses) {
  Message request(RTM_GETADDR, 0);
  request.put_header(ifaddrmsg{.ifa_family = family});
  return socket.dump(request, "listing addresses", [&](const nlmsghdr& message) {
    const auto* header = header_of<ifaddrmsg>(message);
    if (message.nlmsg_type != RTM_NEWADDR || header == nullptr || header->ifa_family != family) {
      return;
    }
    const Attributes attributes(message, sizeof *header, IFA_PROTO);
    // IPv6 has IFA_LOCAL only where the address has a peer.
    const int own = attributes.find(IFA_LOCAL) != nullptr ? IFA_LOCAL : IFA_ADDRESS;
    if (const auto address = IpAddress::from_bytes(attributes.bytes(own))) {
      addresses.push_back({.index = header->ifa_index,
                           .address = {*address, header->ifa_prefixlen},
                           .protocol = attributes.u8(IFA_PROTO),
                           .scope = header->ifa_scope,
                           .flags = attributes.u32(IFA_FLAGS, header->ifa_flags)});
    }
  });
}

}  // namespace

Result<std::vector<Address>> list_addresses(Socket& socket) {
  std::vector<Address> addresses;
  for (const std::uint8_t family : kFamilies) {
    NSLAB_TRY(list_addresses(socket, family, addresses));
  }
  return addresses;
}

}  // namespace nslab::kernel
