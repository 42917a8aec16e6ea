#include "host/observe_network.h"

#include <linux/rtnetlink.h>

#include <filesystem>
#include <map>

#include "base/text.h"
#include "host/control.h"
#include "host/observe.h"
#include "kernel/address.h"
#include "kernel/mount.h"
#include "kernel/netns.h"
#include "kernel/route.h"
#include "kernel/sysctl.h"

namespace nslab::host {
namespace {

using resource::ObservedState;

// What one network namespace holds.
struct Contents {
  std::string netns;
  std::vector<kernel::Link> links;
  std::map<kernel::LinkIndex, const kernel::Link*> by_index;
};

// The two ends of each cable, as they are found.
struct FoundEnds {
  std::optional<resource::VethEnd> a;
  std::optional<resource::VethEnd> b;
};

using Cables = std::map<std::string, FoundEnds>;

resource::VethEnd to_end(const Contents& contents, const kernel::Link& link) {
  const auto master = contents.by_index.find(link.master);
  return {.netns = contents.netns,
          .name = link.name,
          .mac = link.mac,
          .mtu = link.mtu,
          .up = link.up,
          .bridge = master != contents.by_index.end() ? master->second->name : "",
          .ipv6 = link.ipv6_autoconf};
}

// "nslab:webdb:web/eth0:a" marks end a of cable web/eth0 of lab webdb.
bool take_cable_end(const Layout& layout,
                    const Contents& contents,
                    const kernel::Link& link,
                    Cables& cables) {
  const std::string prefix = "nslab:" + layout.lab() + ":";
  if (link.kind != "veth" || !link.alias.starts_with(prefix) ||
      link.alias.size() < prefix.size() + 2) {
    return false;
  }
  const std::string cable = link.alias.substr(prefix.size(), link.alias.size() - prefix.size() - 2);
  FoundEnds& found = cables[cable];
  auto& end = link.alias.ends_with(":a") ? found.a : found.b;
  end = to_end(contents, link);
  return true;
}

// Every interface but the loopback: a bridge of the switch, an end of a cable,
// or what somebody else made. An interface that has our group and no mark was
// cut short between two messages.
void observe_links(const Layout& layout,
                   const Contents& contents,
                   ObservedState& state,
                   Cables& cables) {
  for (const kernel::Link& link : contents.links) {
    if (link.index == kernel::kLoopback || take_cable_end(layout, contents, link, cables)) {
      continue;
    }
    const bool ours = link.group == kernel::kNslabGroup;
    if (ours && link.kind == "bridge" && contents.netns == resource::kSwitch) {
      state.add(resource::Bridge{.name = link.name, .mtu = link.mtu, .up = link.up});
    } else {
      state.add(resource::Link{.netns = contents.netns, .name = link.name}, ours);
    }
  }
}

Result<void> observe_addresses(kernel::Socket& socket,
                               const Contents& contents,
                               ObservedState& state) {
  NSLAB_ASSIGN(addresses, kernel::list_addresses(socket));
  for (const kernel::Address& address : addresses) {
    const auto link = contents.by_index.find(address.index);
    const bool by_kernel = address.address.address.is_v6() && address.scope == RT_SCOPE_LINK;
    if (link == contents.by_index.end() || address.scope == RT_SCOPE_HOST || by_kernel) {
      continue;
    }
    state.add(
        resource::Address{
            .netns = contents.netns, .interface = link->second->name, .address = address.address},
        address.protocol == kernel::kNslabAddressProtocol);
  }
  return {};
}

Result<void> observe_routes(kernel::Socket& socket,
                            const Contents& contents,
                            ObservedState& state) {
  NSLAB_ASSIGN(routes, kernel::list_routes(socket));
  for (const kernel::Route& route : routes) {
    if (route.protocol == RTPROT_KERNEL || route.protocol == RTPROT_RA) {
      continue;
    }
    const auto link = contents.by_index.find(route.index);
    const bool unicast = route.type == kernel::RouteType::unicast;
    resource::Route spec{
        .netns = contents.netns, .to = route.to, .metric = route.metric, .via = route.via};
    switch (route.type) {
      case kernel::RouteType::unicast:
        break;
      case kernel::RouteType::blackhole:
        spec.type = resource::RouteType::blackhole;
        break;
      case kernel::RouteType::unreachable:
        spec.type = resource::RouteType::unreachable;
        break;
      case kernel::RouteType::prohibit:
        spec.type = resource::RouteType::prohibit;
        break;
    }
    // The kernel shows IPv6 blackholes at the loopback; no interface is meant.
    if (unicast && link != contents.by_index.end()) {
      spec.interface = link->second->name;
    }
    state.add(std::move(spec), route.protocol == kernel::kNslabProtocol);
  }
  return {};
}

bool is_named(const Layout& layout, const std::string& netns) {
  return kernel::is_namespace_mount(layout.netns(netns)) && leads_into(layout, netns);
}

Result<void> observe_netns(Context& context,
                           const std::string& netns,
                           ObservedState& state,
                           Cables& cables) {
  resource::NetNs spec{.name = netns, .named = is_named(context.layout, netns)};
  if (state.resources.contains({resource::Kind::userns, netns})) {
    spec.userns = netns;
  }
  auto socket = netns_socket(context, netns);
  if (!socket) {
    // A name that was cut short: a file without its namespace, and no process in it.
    spec.userns = "?";
    state.add(std::move(spec));
    return {};
  }
  state.add(std::move(spec));
  Contents contents{.netns = netns};
  NSLAB_ASSIGN(links, kernel::list_links(*socket));
  contents.links = std::move(links);
  auto& indexes = context.link_indexes[netns];
  indexes.clear();
  for (const kernel::Link& link : contents.links) {
    contents.by_index[link.index] = &link;
    indexes[link.name] = link.index;
  }
  observe_links(context.layout, contents, state, cables);
  NSLAB_TRY(observe_addresses(*socket, contents, state));
  return observe_routes(*socket, contents, state);
}

// A cable with an end that was renamed, or moved to where the lab is not, keeps
// its id and has a nameless end: the plan replaces it.
void add_cables(const Cables& cables, ObservedState& state) {
  for (const auto& [name, ends] : cables) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    const std::string netns = name.substr(0, slash);
    const std::string interface = name.substr(std::min(slash + 1, name.size()));
    resource::Veth cable{.a = ends.a.value_or(resource::VethEnd{}),
                         .b = ends.b.value_or(resource::VethEnd{})};
    if (cable.a.netns != netns || cable.a.name != interface) {
      cable.a = {.netns = netns, .name = interface};
      cable.b.name.clear();
    }
    state.add(std::move(cable));
  }
}

}  // namespace

Result<void> observe_network(Context& context, ObservedState& state) {
  Cables cables;
  for (const std::string& netns : netns_names(context.layout)) {
    NSLAB_TRY(observe_netns(context, netns, state, cables));
  }
  add_cables(cables, state);
  return {};
}

std::optional<std::string> read_node_sysctl(const Context& context,
                                            const std::string& node,
                                            const std::string& key) {
  const auto type = kernel::namespace_of_sysctl(key);
  if (!type) {
    return std::nullopt;
  }
  Result<UniqueFd> ns = [&]() -> Result<UniqueFd> {
    if (*type == kernel::Namespace::net) {
      return open_netns(context, node);
    }
    NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(node)));
    return kernel::open_namespace(control.init_pid(), *type);
  }();
  if (!ns) {
    return std::nullopt;
  }
  auto value = kernel::read_sysctl(ns->get(), key);
  return value ? std::optional(*std::move(value)) : std::nullopt;
}

}  // namespace nslab::host
