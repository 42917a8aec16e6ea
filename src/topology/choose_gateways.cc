#include <algorithm>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

void find_routers(const Draft& draft, Segment& segment) {
  for (const std::size_t port : segment.ports) {
    if (draft.node_of(draft.ports[port]).is_router()) {
      segment.routers.push_back(port);
    }
  }
  const bool several = std::ranges::any_of(segment.routers, [&](std::size_t port) {
    return draft.ports[port].end.node != draft.ports[segment.routers.front()].end.node;
  });
  segment.ambiguous = several;
  if (!several && !segment.routers.empty()) {
    segment.gateway = segment.routers.front();
  }
}

void take_gateway_address(const Draft& draft,
                          const Setting<Scalar<Text>>& key,
                          Segment& segment,
                          const IpAddress& address) {
  const IpPrefix* network = network_of(segment, address);
  if (network == nullptr) {
    if (!segment.broken) {
      draft.problems.semantic(key.where,
                              "gateway " + *key + " is not in " + segment.title + " (" +
                                  networks_text(segment.prefixes) + ")");
    }
    return;
  }
  if (is_network_address(*network, address) || is_broadcast_address(*network, address)) {
    draft.problems.semantic(key.where, "gateway " + *key + " is no address of an interface");
    return;
  }
  segment.gateway_address = address;
}

void take_gateway_node(const Draft& draft, const Setting<Scalar<Text>>& key, Segment& segment) {
  const auto node = draft.nodes.find(*key);
  if (node == draft.nodes.end()) {
    draft.problems.semantic(key.where,
                            "gateway " + quote(*key) + " is neither a node nor an address",
                            did_you_mean(draft.problems, *key, draft.nodes));
    return;
  }
  if (!draft.topology.nodes[node->second].is_router()) {
    draft.problems.semantic(key.where,
                            "gateway " + quote(*key) + " is no router",
                            "give node " + quote(*key) + " 'role: router'");
    return;
  }
  const auto port = std::ranges::find_if(segment.routers, [&](std::size_t each) {
    return draft.ports[each].end.node == node->second;
  });
  if (port != segment.routers.end()) {
    segment.gateway = *port;
  } else if (!draft.incomplete[node->second]) {
    draft.problems.semantic(key.where,
                            "gateway " + quote(*key) + " has no interface on " + segment.title);
  }
}

}  // namespace

void choose_gateways(Draft& draft) {
  for (Segment& segment : draft.segments) {
    find_routers(draft, segment);
  }
  std::size_t place = 0;
  for (const auto& subnet : draft.lab.subnets.or_empty()) {
    Segment& segment = draft.segments[place++];
    const auto& key = subnet.value.gateway;
    if (key.given()) {
      segment.ambiguous = false;
    }
    if (!key) {
      continue;
    }
    if (const auto address = IpAddress::parse(*key)) {
      take_gateway_address(draft, key, segment, *address);
    } else {
      take_gateway_node(draft, key, segment);
    }
  }
}

}  // namespace nslab::topology
