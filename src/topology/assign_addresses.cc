#include <algorithm>
#include <map>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

class AddressBook {
 public:
  explicit AddressBook(Draft& draft) : draft_(draft) {}

  void pin_all() {
    for (const Port& port : draft_.ports) {
      for (const auto& address : port.address->or_empty()) {
        pin(port, address);
      }
      if (port.address->given() && !*port.address) {
        draft_.incomplete[port.end.node] = true;
      }
    }
    for (const Segment& segment : draft_.segments) {
      reserve_gateway(segment);
    }
  }

  // Gives every port of the segment an address of each of its networks, unless
  // one is pinned; the gateway first.
  void hand_out(const Segment& segment) {
    if (segment.broken) {
      for (const std::size_t port : segment.ports) {
        draft_.incomplete[draft_.ports[port].end.node] = true;
      }
      return;
    }
    for (const IpPrefix& network : segment.prefixes) {
      next_ = has_edges(network) ? network.address.plus(1) : network.address;
      bool room = !segment.gateway || hand_out(segment, network, *segment.gateway);
      for (const std::size_t port : segment.ports) {
        room = room && hand_out(segment, network, port);
      }
    }
  }

 private:
  // An address that the file names as the gateway is the only router's, unless
  // somebody pins it. Otherwise it is nobody's, and is not handed out.
  void reserve_gateway(const Segment& segment) {
    if (!segment.gateway_address) {
      return;
    }
    const IpAddress& address = *segment.gateway_address;
    const bool free = taken_.try_emplace(address, segment.where).second;
    if (free && segment.gateway && !draft_.ports[*segment.gateway].address->given()) {
      draft_.interface_of(draft_.ports[*segment.gateway])
          .addresses.push_back({address, network_of(segment, address)->length});
    }
  }

  void refuse(const Port& port, Mark where, std::string message, std::string hint = {}) {
    draft_.incomplete[port.end.node] = true;
    draft_.problems.semantic(where, std::move(message), std::move(hint));
  }

  void pin(const Port& port, const Located<MaybePrefix>& wish) {
    const IpAddress& address = wish.value.address;
    const std::string text = to_string(address);
    const auto network = network_for(port, wish);
    if (!network) {
      return;
    }
    if (is_network_address(*network, address)) {
      return refuse(port, wish.where, text + " is the address of the network itself");
    }
    if (is_broadcast_address(*network, address)) {
      return refuse(port, wish.where, text + " is the broadcast address of its network");
    }
    const auto [first, fresh] = taken_.try_emplace(address, wish.where);
    if (!fresh) {
      return refuse(port,
                    wish.where,
                    "address " + text + " is used twice",
                    "the first use is " + on_line(first->second));
    }
    draft_.interface_of(port).addresses.push_back({address, network->length});
  }

  // The network that a pinned address belongs to: one of its segment, or the
  // one that the address says where the segment has none.
  std::optional<IpPrefix> network_for(const Port& port, const Located<MaybePrefix>& wish) {
    const auto& [address, length] = wish.value;
    if (!port.segment) {
      return network_without_segment(port, wish);
    }
    const Segment& segment = draft_.segments[*port.segment];
    const IpPrefix* network = network_of(segment, address);
    if (network == nullptr && segment.broken) {
      draft_.incomplete[port.end.node] = true;
      return std::nullopt;
    }
    if (network == nullptr) {
      refuse(port,
             wish.where,
             "address " + to_string(address) + " is not in " + segment.title + " (" +
                 networks_text(segment.prefixes) + ")");
      return std::nullopt;
    }
    if (length && *length != network->length) {
      refuse(port,
             wish.where,
             "prefix length " + std::to_string(*length) + " is not that of " + segment.title +
                 " (" + to_string(*network) + ")",
             "write the address without a length");
      return std::nullopt;
    }
    return *network;
  }

  std::optional<IpPrefix> network_without_segment(const Port& port,
                                                  const Located<MaybePrefix>& wish) {
    const auto& [address, length] = wish.value;
    static const IpPrefix multicast4 = *IpPrefix::parse("224.0.0.0/3");
    static const IpPrefix multicast6 = *IpPrefix::parse("ff00::/8");
    if (!length) {
      refuse(port,
             wish.where,
             "address " + to_string(address) + " has no prefix length",
             "write " + to_string(address) + "/" + (address.is_v6() ? "64" : "24") +
                 ", or give the link a 'subnet'");
      return std::nullopt;
    }
    if (multicast4.contains(address) || multicast6.contains(address)) {
      refuse(port, wish.where, to_string(address) + " is no address of an interface");
      return std::nullopt;
    }
    return IpPrefix{address, *length}.network();
  }

  // False when the network has no address left; that is reported.
  bool hand_out(const Segment& segment, const IpPrefix& network, std::size_t place) {
    const Port& port = draft_.ports[place];
    auto& addresses = draft_.interface_of(port).addresses;
    const bool served = std::ranges::any_of(
        addresses, [&](const IpPrefix& each) { return network.contains(each.address); });
    if (served || (port.address->given() && !*port.address)) {
      return true;
    }
    while (next_ && network.contains(*next_) && taken_.contains(*next_)) {
      next_ = next_->plus(1);
    }
    if (!next_ || !network.contains(*next_) || is_broadcast_address(network, *next_)) {
      refuse(port,
             segment.cidr,
             segment.title + " is too small: " + to_string(network) +
                 " has no address for each of " + plural(segment.ports.size(), "interface"),
             "a shorter prefix has more addresses");
      return false;
    }
    taken_.emplace(*next_, draft_.interface_of(port).where);
    addresses.push_back({*next_, network.length});
    next_ = next_->plus(1);
    return true;
  }

  Draft& draft_;
  std::map<IpAddress, Mark> taken_;
  std::optional<IpAddress> next_;  // the first that may still be free
};

}  // namespace

void assign_addresses(Draft& draft) {
  AddressBook book(draft);
  book.pin_all();
  for (const Segment& segment : draft.segments) {
    book.hand_out(segment);
  }
}

}  // namespace nslab::topology
