#include <algorithm>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

constexpr std::uint32_t kMinIpv6Mtu = 1280;  // RFC 8200; the kernel turns IPv6 off below it

bool has_ipv4(const Interface& interface) {
  return std::ranges::any_of(interface.addresses,
                             [](const IpPrefix& each) { return !each.address.is_v6(); });
}

// Where the file does not say: with an IPv6 address, and on a bare link, where there may
// be nothing else to speak over.
bool by_default(const Interface& interface) {
  const bool bare_link =
      std::holds_alternative<EndOfLink>(interface.medium) && !has_ipv4(interface);
  return interface.mtu >= kMinIpv6Mtu && (interface.has_ipv6() || bare_link);
}

void check_mtu(const Draft& draft, const Port& port, const Interface& interface) {
  const bool asked = port.ipv6->value == Ipv6Mode::link_local;
  if (!*port.mtu || interface.mtu >= kMinIpv6Mtu || (!interface.has_ipv6() && !asked)) {
    return;
  }
  draft.problems.semantic(
      port.mtu->where,
      "IPv6 needs an MTU of at least " + std::to_string(kMinIpv6Mtu) + ", and interface " +
          quote(interface.name) + " of node " + quote(draft.node_of(port).name) +
          (interface.has_ipv6() ? " has an IPv6 address" : " is to have a link-local address"),
      interface.has_ipv6() ? "take the IPv6 address away, or raise the MTU"
                           : "write 'ipv6: none', or raise the MTU");
}

// Two keys for one value of the kernel's.
void check_sysctls(const Draft& draft, const Port& port, const Interface& interface) {
  if (!port.ipv6->given()) {
    return;
  }
  std::string name = interface.name;
  std::ranges::replace(name, '.', '/');
  const std::string key = "net.ipv6.conf." + name + ".addr_gen_mode";
  for (const auto& sysctl : draft.node_of(port).keys.sysctls.or_empty()) {
    if (sysctl.name == key) {
      draft.problems.semantic(sysctl.where,
                              "interface " + quote(interface.name) + " of node " +
                                  quote(draft.node_of(port).name) +
                                  " has 'ipv6' and this sysctl, which say the same thing",
                              "take one of them away; 'ipv6' is " + on_line(port.ipv6->where));
    }
  }
}

}  // namespace

void settle_ipv6(Draft& draft) {
  for (const Port& port : draft.ports) {
    Interface& interface = draft.interface_of(port);
    check_mtu(draft, port, interface);
    check_sysctls(draft, port, interface);
    interface.says.ipv6 = port.ipv6->given();
    interface.link_local =
        port.ipv6->value ? *port.ipv6->value == Ipv6Mode::link_local : by_default(interface);
  }
}

}  // namespace nslab::topology
