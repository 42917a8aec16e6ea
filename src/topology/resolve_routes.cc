#include <algorithm>
#include <set>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

using resource::NsType;
using resource::RouteType;

bool has_address_on(const Interface& interface, const IpAddress& hop) {
  return std::ranges::any_of(interface.addresses,
                             [&](const IpPrefix& each) { return each.contains(hop); });
}

const Interface* interface_towards(const Node& node, const IpAddress& hop) {
  const auto found = std::ranges::find_if(
      node.interfaces, [&](const Interface& each) { return has_address_on(each, hop); });
  return found == node.interfaces.end() ? nullptr : &*found;
}

std::string networks_of(const Node& node) {
  std::vector<std::string> texts;
  for (const Interface& interface : node.interfaces) {
    for (const IpPrefix& address : interface.addresses) {
      texts.push_back(to_string(address.network()) + " (" + interface.name + ")");
    }
  }
  return texts.empty() ? "it has none" : "it has " + join(texts, ", ");
}

class NodeRoutes {
 public:
  NodeRoutes(Draft& draft, std::size_t place)
      : problems_(draft.problems),
        node_(draft.topology.nodes[place]),
        incomplete_(draft.incomplete[place]) {}

  void add(const Located<RouteKeys>& item) {
    const RouteKeys& keys = item.value;
    if (!keys.to) {
      return;
    }
    Route route{.to = destination(keys),
                .via = keys.via.value,
                .metric = keys.metric.value_or(0),
                .type = keys.type.value_or(RouteType::unicast),
                .where = item.where};
    const bool unicast = route.type == RouteType::unicast;
    if (unicast ? !find_interface(keys, route) : !is_bare(keys)) {
      return;
    }
    const auto [same, fresh] = seen_.emplace(route.to, route.metric);
    if (!fresh) {
      problems_.semantic(item.where,
                         "node " + quote(node_.name) + " has another route to " + to_text(keys) +
                             " with metric " + std::to_string(route.metric),
                         "give one of them another 'metric'");
      return;
    }
    node_.routes.push_back(std::move(route));
  }

 private:
  static std::string to_text(const RouteKeys& keys) {
    return *keys.to ? to_string(**keys.to) : "default";
  }

  // `default` is of the family of its next hop.
  static IpPrefix destination(const RouteKeys& keys) {
    if (*keys.to) {
      return **keys.to;
    }
    const bool v6 = keys.via && keys.via->is_v6();
    return {v6 ? IpAddress::v6({}) : IpAddress::v4(0), 0};
  }

  bool is_bare(const RouteKeys& keys) {
    const Mark where = keys.via.given() ? keys.via.key : keys.dev.key;
    if (where.known()) {
      problems_.semantic(where, "a route that refuses packets has no next hop");
    }
    return !where.known();
  }

  // The interface by which a unicast route leaves. False when it is refused.
  bool find_interface(const RouteKeys& keys, Route& route) {
    if (!keys.via.given() && !keys.dev.given()) {
      problems_.semantic(keys.to.key,
                         "the route to " + to_text(keys) + " has neither 'via' nor 'dev'",
                         "say the next hop, such as via: 10.10.1.254, or a 'type'");
      return false;
    }
    const Interface* out = nullptr;
    if (keys.dev && (out = named(keys.dev)) == nullptr) {
      return false;
    }
    if (keys.via && !check_hop(keys, route)) {
      return false;
    }
    if (keys.via && link_local().contains(*keys.via)) {
      if (!check_link_local(keys, out)) {
        return false;
      }
    } else if (keys.via) {
      const bool reached = out != nullptr ? has_address_on(*out, *keys.via)
                                          : (out = interface_towards(node_, *keys.via)) != nullptr;
      if (!reached) {
        return refuse_unreachable(keys, out);
      }
    }
    route.interface = out != nullptr ? out->name : "";
    return out != nullptr;
  }

  static IpPrefix link_local() { return *IpPrefix::parse("fe80::/10"); }

  // The same on every link.
  bool check_link_local(const RouteKeys& keys, const Interface* out) {
    if (out == nullptr) {
      problems_.semantic(keys.via.where,
                         "link-local next hop " + to_string(*keys.via) + " needs an interface",
                         "say which link it is on, such as dev: eth1");
      return false;
    }
    if (!out->link_local && !out->has_ipv6()) {
      problems_.semantic(keys.via.where,
                         "interface " + quote(out->name) + " of node " + quote(node_.name) +
                             " has no IPv6 to reach next hop " + to_string(*keys.via),
                         "give its link or subnet 'ipv6: link-local'");
      return false;
    }
    return true;
  }

  const Interface* named(const Setting<Scalar<InterfaceName>>& dev) {
    const auto found = std::ranges::find(node_.interfaces, *dev, &Interface::name);
    if (found != node_.interfaces.end()) {
      return &*found;
    }
    if (!incomplete_) {
      std::vector<std::string_view> names;
      for (const Interface& interface : node_.interfaces) {
        names.push_back(interface.name);
      }
      const std::string_view near = nearest(*dev, names);
      problems_.semantic(dev.where,
                         "node " + quote(node_.name) + " has no interface " + quote(*dev),
                         near.empty() ? "" : "did you mean " + quote(near) + "?");
    }
    return nullptr;
  }

  bool check_hop(const RouteKeys& keys, const Route& route) {
    if (keys.via->is_v6() != route.to.address.is_v6()) {
      problems_.semantic(
          keys.via.where,
          "next hop " + to_string(*keys.via) + " is not of the family of " + to_text(keys));
      return false;
    }
    for (const Interface& interface : node_.interfaces) {
      for (const IpPrefix& address : interface.addresses) {
        if (address.address == *keys.via) {
          problems_.semantic(
              keys.via.where,
              "next hop " + to_string(*keys.via) + " is node " + quote(node_.name) + " itself");
          return false;
        }
      }
    }
    return true;
  }

  bool refuse_unreachable(const RouteKeys& keys, const Interface* out) {
    if (!incomplete_) {
      const std::string whose =
          out != nullptr ? "interface " + quote(out->name) : "node " + quote(node_.name);
      problems_.semantic(keys.via.where,
                         "next hop " + to_string(*keys.via) + " is on no network of " + whose,
                         networks_of(node_));
    }
    return false;
  }

  Problems& problems_;
  Node& node_;
  bool incomplete_;
  std::set<std::pair<IpPrefix, std::uint32_t>> seen_;
};

// --- Default routes --------------------------------------------------------

bool has_default(const Node& node, bool v6) {
  const auto is_default = [&](const RouteKeys& keys) {
    if (!keys.to) {
      return true;  // refused; it may have been one
    }
    if (!*keys.to) {
      return !keys.via || keys.via->is_v6() == v6;
    }
    return (*keys.to)->length == 0 && (*keys.to)->address.is_v6() == v6;
  };
  return std::ranges::any_of(node.keys.routes.or_empty(), [&](const Located<RouteKeys>& route) {
    return is_default(route.value);
  });
}

class DefaultRoutes {
 public:
  explicit DefaultRoutes(Draft& draft) : draft_(draft), ports_of_(draft.topology.nodes.size()) {
    for (const Port& port : draft.ports) {
      ports_of_[port.end.node].push_back(&port);
    }
  }

  void add(std::size_t place) {
    Node& node = draft_.topology.nodes[place];
    if (node.is_router()) {
      return;
    }
    for (const bool v6 : {false, true}) {
      if (!has_default(node, v6)) {
        add(node, ports_of_[place], v6);
      }
    }
  }

 private:
  // By the first interface whose subnet has a gateway.
  void add(Node& node, const std::vector<const Port*>& ports, bool v6) {
    for (const Port* port : ports) {
      const Interface& interface = draft_.interface_of(*port);
      const bool speaks = std::ranges::any_of(
          interface.addresses, [&](const IpPrefix& each) { return each.address.is_v6() == v6; });
      if (!port->segment || !speaks) {
        continue;
      }
      Segment& segment = draft_.segments[*port->segment];
      if (segment.ambiguous) {
        return refuse_ambiguous(segment, node);
      }
      const auto hop = gateway_of(segment, v6);
      if (hop && interface_has(interface, *hop)) {
        continue;  // the gateway is the node itself, under an address that it pins
      }
      if (hop) {
        node.routes.push_back({.to = {v6 ? IpAddress::v6({}) : IpAddress::v4(0), 0},
                               .via = *hop,
                               .interface = interface.name,
                               .where = interface.where});
        return;
      }
    }
  }

  static bool interface_has(const Interface& interface, const IpAddress& address) {
    return std::ranges::any_of(interface.addresses,
                               [&](const IpPrefix& each) { return each.address == address; });
  }

  std::optional<IpAddress> gateway_of(const Segment& segment, bool v6) const {
    if (segment.gateway_address && segment.gateway_address->is_v6() == v6) {
      return segment.gateway_address;
    }
    if (segment.gateway) {
      for (const IpPrefix& each : draft_.interface_of(draft_.ports[*segment.gateway]).addresses) {
        if (each.address.is_v6() == v6) {
          return each.address;
        }
      }
    }
    return std::nullopt;
  }

  // Once for each subnet.
  void refuse_ambiguous(Segment& segment, const Node& node) {
    if (!refused_.insert(&segment).second) {
      return;
    }
    std::vector<std::string> names;
    for (const std::size_t router : segment.routers) {
      names.push_back(quote(draft_.node_of(draft_.ports[router]).name));
    }
    draft_.problems.semantic(
        segment.where,
        segment.title + " has the routers " + join(names, ", ") + " and no gateway for node " +
            quote(node.name),
        "name one, such as gateway: " + draft_.node_of(draft_.ports[segment.routers.front()]).name);
  }

  Draft& draft_;
  std::vector<std::vector<const Port*>> ports_of_;
  std::set<const Segment*> refused_;
};

}  // namespace

void resolve_routes(Draft& draft) {
  DefaultRoutes defaults(draft);
  for (std::size_t i = 0; i < draft.topology.nodes.size(); ++i) {
    const Node& node = draft.topology.nodes[i];
    if (!node.owns(NsType::net)) {
      continue;  // its routes, if any, have been refused
    }
    NodeRoutes routes(draft, i);
    for (const auto& route : node.keys.routes.or_empty()) {
      routes.add(route);
    }
    defaults.add(i);
  }
}

}  // namespace nslab::topology
