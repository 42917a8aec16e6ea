#include "host/observe_network.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>

#include "base/directory.h"
#include "base/parallel.h"
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

using Names = std::map<kernel::LinkIndex, std::string_view>;

Names names_of(const NetnsContents& contents) {
  Names names;
  for (const kernel::Link& link : contents.links) {
    names.emplace(link.index, link.name);
  }
  return names;
}

// The two ends of each cable, as they are found.
struct FoundEnds {
  std::optional<resource::VethEnd> a;
  std::optional<resource::VethEnd> b;
};

using Cables = std::map<std::string, FoundEnds>;

resource::VethEnd to_end(const NetnsContents& contents,
                         const Names& names,
                         const kernel::Link& link) {
  const auto master = names.find(link.master);
  return {.netns = contents.netns,
          .name = link.name,
          .mac = link.mac,
          .mtu = link.mtu,
          .up = link.up,
          .bridge = std::string(master != names.end() ? master->second : ""),
          .ipv6 = link.ipv6_autoconf};
}

bool take_cable_end(const Layout& layout,
                    const NetnsContents& contents,
                    const Names& names,
                    const kernel::Link& link,
                    Cables& cables) {
  const auto mark = read_cable_mark(layout, link.alias);
  if (link.kind != "veth" || !mark) {
    return false;
  }
  FoundEnds& found = cables[mark->cable];
  (mark->first ? found.a : found.b) = to_end(contents, names, link);
  return true;
}

// Every interface but the loopback: a bridge of the switch, an end of a cable,
// or what somebody else made. An interface that has our group and no mark was
// cut short between two messages.
void observe_links(const Layout& layout,
                   const NetnsContents& contents,
                   const Names& names,
                   ObservedState& state,
                   Cables& cables) {
  for (const kernel::Link& link : contents.links) {
    if (link.index == kernel::kLoopback || take_cable_end(layout, contents, names, link, cables)) {
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

void observe_addresses(const NetnsContents& contents, const Names& names, ObservedState& state) {
  for (const kernel::Address& address : contents.addresses) {
    const auto link = names.find(address.index);
    const bool by_kernel = address.address.address.is_v6() && address.scope == RT_SCOPE_LINK;
    if (link == names.end() || address.scope == RT_SCOPE_HOST || by_kernel) {
      continue;
    }
    state.add(resource::Address{.netns = contents.netns,
                                .interface = std::string(link->second),
                                .address = address.address},
              address.protocol == kernel::kNslabAddressProtocol);
  }
}

void observe_routes(const NetnsContents& contents, const Names& names, ObservedState& state) {
  for (const kernel::Route& route : contents.routes) {
    if (route.protocol == RTPROT_KERNEL || route.protocol == RTPROT_RA) {
      continue;
    }
    const auto link = names.find(route.index);
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
    if (unicast && link != names.end()) {
      spec.interface = link->second;
    }
    state.add(std::move(spec), route.protocol == kernel::kNslabProtocol);
  }
}

// The keys that nslab has set in each node: it keeps what they were before.
using SysctlKeys = std::map<std::string, std::vector<std::string>, std::less<>>;

Result<SysctlKeys> sysctl_keys(const std::string& directory, const Places* only) {
  SysctlKeys keys;
  NSLAB_ASSIGN(names, names_in(directory));
  for (const std::string& name : names) {
    SavedSysctl saved = to_saved_sysctl(name);
    if (is_among(only, saved.node)) {
      keys[saved.node].push_back(std::move(saved.key));
    }
  }
  return keys;
}

// Sysctls that cannot be read any more went with their interface.
void read_sysctls(OpenNetns& netns, const std::vector<std::string>& keys, NetnsContents& contents) {
  for (const std::string& key : keys) {
    if (auto value = kernel::read_sysctl(netns.socket, netns.ns.get(), key)) {
      contents.sysctls.push_back({.node = contents.netns, .key = key, .value = *std::move(value)});
    }
  }
}

Result<void> read(const Context& context, const SysctlKeys& keys, NetnsContents& contents) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(netns, find_open(context, contents.netns));
  contents.named = kernel::is_namespace_mount(layout.netns(contents.netns)) &&
                   leads_into(layout, contents.netns);
  contents.present = netns != nullptr;
  if (!contents.present) {
    return {};
  }
  NSLAB_ASSIGN(links, kernel::list_links(netns->socket, context.counters));
  contents.links = std::move(links);
  NSLAB_ASSIGN(addresses, kernel::list_addresses(netns->socket));
  contents.addresses = std::move(addresses);
  NSLAB_ASSIGN(routes, kernel::list_routes(netns->socket));
  contents.routes = std::move(routes);
  if (const auto set = keys.find(contents.netns); set != keys.end()) {
    read_sysctls(*netns, set->second, contents);
  }
  netns->links.clear();  // others may make some from now on
  netns->next = 0;
  return {};
}

void add(const Layout& layout,
         const NetnsContents& contents,
         ObservedState& state,
         Cables& cables) {
  resource::NetNs spec{.name = contents.netns, .named = contents.named};
  if (state.resources.contains({resource::Kind::userns, contents.netns})) {
    spec.userns = contents.netns;
  }
  if (!contents.present) {
    // A name that was cut short: a file without its namespace, and no process in it.
    spec.userns = "?";
  }
  state.add(std::move(spec));
  const Names names = names_of(contents);
  observe_links(layout, contents, names, state, cables);
  observe_addresses(contents, names, state);
  observe_routes(contents, names, state);
  for (const resource::Sysctl& sysctl : contents.sysctls) {
    state.add(sysctl);
  }
}

// Nothing where it cannot be read: the node is down.
std::optional<std::string> read_ipc_sysctl(const Layout& layout,
                                           const std::string& node,
                                           const std::string& key) {
  auto value = [&]() -> Result<std::string> {
    NSLAB_ASSIGN(control, Control::connect(layout.control_socket(node)));
    NSLAB_ASSIGN(ns, kernel::open_namespace(control.init_pid(), kernel::Namespace::ipc));
    return kernel::read_sysctl(ns.get(), key);
  }();
  return value ? std::optional(*std::move(value)) : std::nullopt;
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

Result<void> observe_network(Context& context, const Places* only, ObservedState& state) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(names, netns_names(layout, only));
  NSLAB_ASSIGN(keys, sysctl_keys(layout.sysctl_dir(), only));
  context.contents.assign(names.size(), {});
  std::vector<Result<void>> outcomes(names.size());
  in_parallel(
      names.size(),
      [&](std::size_t i) {
        context.contents[i].netns = names[i];
        outcomes[i] = read(context, keys, context.contents[i]);
      },
      /*worth_a_thread=*/4);
  Cables cables;
  for (std::size_t i = 0; i < names.size(); ++i) {
    NSLAB_TRY(std::move(outcomes[i]));
    add(layout, context.contents[i], state, cables);
  }
  add_cables(cables, state);
  return {};
}

Result<void> observe_ipc_sysctls(const Layout& layout, const Places* only, ObservedState& state) {
  NSLAB_ASSIGN(keys, sysctl_keys(layout.ipc_sysctl_dir(), only));
  for (const auto& [node, set] : keys) {
    for (const std::string& key : set) {
      if (auto value = read_ipc_sysctl(layout, node, key)) {
        state.add(resource::Sysctl{.node = node, .key = key, .value = *std::move(value)});
      }
    }
  }
  return {};
}

}  // namespace nslab::host
