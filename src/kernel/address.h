// IPv4 and IPv6 addresses of interfaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "kernel/link.h"
#include "kernel/netlink.h"

namespace nslab::kernel {

// Marks an address as nslab's (IFA_PROTO). Kernels before 5.18 drop the mark
// silently; addresses then read back with protocol 0.
inline constexpr std::uint8_t kNslabAddressProtocol = 0x6e;

// Adds an address with its broadcast address (IPv4) or without duplicate
// address detection (IPv6), so that it can be used at once.
void append_address(Batch& batch, std::size_t tag, LinkIndex index, const IpPrefix& address);
// The same for one that is there, whatever became of its lifetime.
void append_lasting_address(Batch& batch,
                            std::size_t tag,
                            LinkIndex index,
                            const IpPrefix& address);
// The IPv6 link-local address that the kernel makes of a MAC address (RFC 4291, appendix
// A): there and usable at once, before the interface is up as well. Where IPv6 is turned
// off on the interface, or the kernel was first, nothing is done.
void append_link_local(Batch& batch, std::size_t tag, LinkIndex index, const MacAddress& mac);
// Takes it away, where there is one.
void append_delete_link_local(Batch& batch,
                              std::size_t tag,
                              LinkIndex index,
                              const MacAddress& mac);

void append_delete_address(Batch& batch, std::size_t tag, LinkIndex index, const IpPrefix& address);

struct Address {
  LinkIndex index = 0;
  IpPrefix address;
  std::uint8_t protocol = 0;  // IFAPROT_KERNEL_LL and so on; 0 when unknown
  std::uint8_t scope = 0;     // RT_SCOPE_*
  std::uint32_t flags = 0;    // IFA_F_*
};

// Every address of the socket's namespace, both families.
Result<std::vector<Address>> list_addresses(Socket& socket);

}  // namespace nslab::kernel
