// Subnets, nodes, interfaces and links: who they are and what they name.
#include <algorithm>
#include <tuple>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

// Networks whose addresses no interface of a lab can have.
bool is_special(const IpPrefix& prefix) {
  static const std::array special{*IpPrefix::parse("0.0.0.0/8"),
                                  *IpPrefix::parse("127.0.0.0/8"),
                                  *IpPrefix::parse("224.0.0.0/3"),
                                  *IpPrefix::parse("::/127"),
                                  *IpPrefix::parse("fe80::/10"),
                                  *IpPrefix::parse("ff00::/8")};
  return std::ranges::any_of(special, [&](const IpPrefix& each) { return each.overlaps(prefix); });
}

// Fills a segment's networks from `cidr` or `subnet`: at most one of a family.
void read_networks(Draft& draft,
                   const Setting<OneOrMany<Scalar<Network>>>& setting,
                   Segment& segment) {
  segment.cidr = setting.given() ? setting.where : segment.where;
  segment.broken = !setting;
  for (const auto& network : setting.or_empty()) {
    const bool same_family = std::ranges::any_of(segment.prefixes, [&](const IpPrefix& other) {
      return other.address.is_v6() == network.value.address.is_v6();
    });
    if (is_special(network.value)) {
      draft.problems.semantic(network.where,
                              to_string(network.value) + " cannot be a subnet",
                              "the kernel keeps it for loopback, link-local or multicast use");
      segment.broken = true;
    } else if (same_family) {
      draft.problems.semantic(
          network.where,
          segment.title + " has two networks of one family",
          "one of IPv4 and one of IPv6 at the most; make a subnet of the other");
      segment.broken = true;
    } else {
      segment.prefixes.push_back(network.value);
    }
  }
}

void place_subnets(Draft& draft) {
  for (const auto& subnet : draft.lab.subnets.or_empty()) {
    Segment segment{.title = "subnet " + quote(subnet.name), .where = subnet.where};
    read_networks(draft, subnet.value.cidr, segment);
    draft.subnets.emplace(subnet.name, draft.topology.subnets.size());
    draft.topology.subnets.push_back({.name = subnet.name,
                                      .where = subnet.where,
                                      .prefixes = segment.prefixes,
                                      .mtu = subnet.value.mtu.value_or(kDefaultMtu),
                                      .says_mtu = subnet.value.mtu.given()});
    draft.segments.push_back(std::move(segment));
  }
}

// Adds an interface to a node. Nothing when the node has one of that name.
std::optional<Endpoint> add_interface(Draft& draft, std::size_t place, Interface interface) {
  Node& node = draft.topology.nodes[place];
  const auto same = std::ranges::find(node.interfaces, interface.name, &Interface::name);
  if (same != node.interfaces.end()) {
    draft.problems.semantic(
        interface.where,
        "node " + quote(node.name) + " has an interface " + quote(interface.name) + " already",
        "the first one is " + on_line(same->where));
    return std::nullopt;
  }
  if (node.interfaces.size() == kMaxInterfaces) {
    draft.problems.semantic(interface.where,
                            "node " + quote(node.name) + " has more than " +
                                std::to_string(kMaxInterfaces) + " interfaces");
    return std::nullopt;
  }
  node.interfaces.push_back(std::move(interface));
  return Endpoint{place, node.interfaces.size() - 1};
}

// The MTU of an interface on a subnet, which the subnet's bounds.
std::uint32_t mtu_on(Draft& draft, const InterfaceKeys& keys, const Subnet& subnet) {
  if (keys.mtu && *keys.mtu > subnet.mtu) {
    draft.problems.semantic(keys.mtu.where,
                            "an MTU of " + std::to_string(*keys.mtu) + " is more than the " +
                                std::to_string(subnet.mtu) + " of subnet " + quote(subnet.name),
                            "set 'mtu' of the subnet");
  }
  return keys.mtu.value_or(subnet.mtu);
}

const SubnetKeys& subnet_keys(const Draft& draft, std::size_t place) {
  return draft.lab.subnets.or_empty()[place].value;
}

// False when it was refused.
bool place_interface(Draft& draft, std::size_t place, const Named<InterfaceKeys>& named) {
  const InterfaceKeys& keys = named.value;
  const std::string_view node = draft.topology.nodes[place].name;
  if (!keys.subnet) {
    if (!keys.subnet.given()) {
      draft.problems.semantic(
          named.where,
          "interface " + quote(named.name) + " of node " + quote(node) + " has no subnet",
          "an interface without one is made by 'links'");
    }
    return false;
  }
  const auto subnet = draft.subnets.find(*keys.subnet);
  if (subnet == draft.subnets.end()) {
    draft.problems.semantic(keys.subnet.where,
                            "there is no subnet " + quote(*keys.subnet),
                            did_you_mean(draft.problems, *keys.subnet, draft.subnets));
    return false;
  }
  const SubnetKeys& on = subnet_keys(draft, subnet->second);
  const auto& mtu = keys.mtu.given() ? keys.mtu : on.mtu;
  const auto end =
      add_interface(draft,
                    place,
                    {.name = named.name,
                     .where = named.where,
                     .medium = OnSubnet{.subnet = subnet->second},
                     .mtu = mtu_on(draft, keys, draft.topology.subnets[subnet->second]),
                     .says = {.mac = keys.mac.given(), .mtu = mtu.given()}});
  if (end) {
    draft.segments[subnet->second].ports.push_back(draft.ports.size());
    draft.ports.push_back({.end = *end,
                           .segment = subnet->second,
                           .address = &keys.address,
                           .mac = &keys.mac,
                           .mtu = &mtu,
                           .ipv6 = keys.ipv6.given() ? &keys.ipv6 : &on.ipv6});
  }
  return end.has_value();
}

void place_nodes(Draft& draft) {
  if (!draft.lab.nodes) {
    return;
  }
  auto& nodes = draft.topology.nodes;
  for (Named<NodeKeys>& node : *draft.lab.nodes.value) {
    nodes.push_back(
        {.name = std::move(node.name), .where = node.where, .keys = std::move(node.value)});
  }
  draft.incomplete.resize(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    draft.nodes.emplace(nodes[i].name, i);
    for (const auto& interface : nodes[i].keys.interfaces.or_empty()) {
      if (!place_interface(draft, i, interface)) {
        draft.incomplete[i] = true;
      }
    }
  }
}

// The segment of a link with a subnet.
std::optional<std::size_t> link_segment(Draft& draft, const LinkKeys& keys, Mark where) {
  if (!keys.subnet.given()) {
    return std::nullopt;
  }
  Segment segment{.title = "the subnet of this link", .where = where};
  read_networks(draft, keys.subnet, segment);
  draft.segments.push_back(std::move(segment));
  return draft.segments.size() - 1;
}

std::optional<std::size_t> place_end(Draft& draft,
                                     const Located<EndKeys>& end,
                                     const LinkKeys& keys,
                                     std::optional<std::size_t> segment) {
  const auto& interface = end.value.interface;
  if (!interface) {
    return std::nullopt;
  }
  const auto node = draft.nodes.find(interface->node);
  if (node == draft.nodes.end()) {
    draft.problems.semantic(interface.where,
                            "there is no node " + quote(interface->node),
                            did_you_mean(draft.problems, interface->node, draft.nodes));
    return std::nullopt;
  }
  const auto endpoint =
      add_interface(draft,
                    node->second,
                    {.name = interface->interface,
                     .where = interface.where,
                     .mtu = keys.mtu.value_or(kDefaultMtu),
                     .says = {.mac = end.value.mac.given(), .mtu = keys.mtu.given()}});
  if (!endpoint) {
    draft.incomplete[node->second] = true;
    return std::nullopt;
  }
  draft.ports.push_back({.end = *endpoint,
                         .segment = segment,
                         .address = &end.value.address,
                         .mac = &end.value.mac,
                         .mtu = &keys.mtu,
                         .ipv6 = &keys.ipv6});
  return draft.ports.size() - 1;
}

void place_link(Draft& draft, const Located<LinkKeys>& link) {
  const auto& ends = link.value.ends.or_empty();
  const auto segment = link_segment(draft, link.value, link.where);
  Link placed{.where = link.where};
  if (segment) {
    placed.prefixes = draft.segments[*segment].prefixes;
  }
  std::size_t count = 0;
  for (const auto& end : ends) {
    if (const auto port = place_end(draft, end, link.value, segment)) {
      placed.ends[count++] = draft.ports[*port].end;
      if (segment) {
        draft.segments[*segment].ports.push_back(*port);
      }
    }
  }
  if (count == 2) {
    draft.topology.links.push_back(std::move(placed));
  }
}

// Networks that share addresses, over all subnets and links. In the order of
// their addresses a network lies within an earlier one, or after it.
void refuse_overlaps(Draft& draft) {
  struct Item {
    IpPrefix prefix;
    Segment* segment;
  };

  std::vector<Item> items;
  for (Segment& segment : draft.segments) {
    for (const IpPrefix& prefix : segment.prefixes) {
      items.push_back({prefix, &segment});
    }
  }
  std::ranges::stable_sort(items, {}, [](const Item& item) { return item.prefix; });
  const Item* outer = nullptr;
  for (const Item& item : items) {
    if (outer == nullptr || !outer->prefix.overlaps(item.prefix)) {
      outer = &item;
      continue;
    }
    const bool in_order = outer->segment->cidr <= item.segment->cidr;
    const Item& first = in_order ? *outer : item;
    const Item& second = in_order ? item : *outer;
    item.segment->broken = true;
    draft.problems.semantic(
        second.segment->cidr,
        to_string(second.prefix) + " overlaps " + to_string(first.prefix) + " of " +
            (first.segment->title.starts_with("the") ? "the link" : first.segment->title),
        "that one is " + on_line(first.segment->cidr));
  }
}

void check_port_counts(const Draft& draft) {
  for (std::size_t i = 0; i < draft.topology.subnets.size(); ++i) {
    const Segment& segment = draft.segments[i];
    if (segment.ports.size() > kMaxBridgePorts) {
      draft.problems.semantic(segment.where,
                              segment.title + " has " + std::to_string(segment.ports.size()) +
                                  " interfaces; a bridge takes " + std::to_string(kMaxBridgePorts),
                              "split it into several subnets with a router between them");
    }
  }
}

}  // namespace

void place_parts(Draft& draft) {
  place_subnets(draft);
  place_nodes(draft);
  for (const auto& link : draft.lab.links.or_empty()) {
    place_link(draft, link);
  }
  refuse_overlaps(draft);
  check_port_counts(draft);
}

}  // namespace nslab::topology
