#include <algorithm>

#include "topology/resolve.h"

namespace nslab::topology {

// Whether a network keeps its first and last addresses for itself.
bool has_edges(const IpPrefix& prefix) {
  return prefix.length + 1U < prefix.address.bits();
}

bool is_network_address(const IpPrefix& network, const IpAddress& address) {
  return has_edges(network) && address == network.address;
}

bool is_broadcast_address(const IpPrefix& network, const IpAddress& address) {
  return has_edges(network) && !address.is_v6() &&
         address == network.address.masked(network.length, true);
}

std::string networks_text(const std::vector<IpPrefix>& prefixes) {
  std::vector<std::string> texts;
  for (const IpPrefix& prefix : prefixes) {
    texts.push_back(to_string(prefix));
  }
  return join(texts, ", ");
}

const IpPrefix* network_of(const Segment& segment, const IpAddress& address) {
  const auto found = std::ranges::find_if(
      segment.prefixes, [&](const IpPrefix& each) { return each.contains(address); });
  return found == segment.prefixes.end() ? nullptr : &*found;
}

}  // namespace nslab::topology
