#include "host/observe_network.h"

#include <linux/rtnetlink.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/directory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
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

// "web/eth0" is node and interface.
std::pair<std::string_view, std::string_view> split_once(std::string_view cable) {
  const std::size_t slash = std::min(cable.find('/'), cable.size());
  return {cable.substr(0, slash), cable.substr(std::min(slash + 1, cable.size()))};
}

using Cables = std::map<std::string, FoundCable>;

// The names of interfaces as the lab file knows them: those of first ends that were
// renamed are what their marks say.
Names names_of(const Layout& layout, const NetnsContents& contents, const Cables& cables) {
  Names names;
  for (const kernel::Link& link : contents.links) {
    names.emplace(link.index, link.name);
    const auto mark = read_cable_mark(layout, link.alias);
    const auto cable = mark ? cables.find(mark->cable) : cables.end();
    if (cable != cables.end() && cable->second.a.link == &link) {
      const auto [netns, interface] = split_once(cable->first);
      if (netns == contents.netns) {
        names[link.index] = interface;
      }
    }
  }
  return names;
}

// Where the interface is up it has one at once: nslab makes it.
bool has_link_local(const FoundLink& found) {
  return std::ranges::any_of(found.netns->addresses, [&](const kernel::Address& address) {
    return address.index == found.link->index && address.address.address.is_v6() &&
           address.scope == RT_SCOPE_LINK;
  });
}

resource::VethEnd to_end(const Layout& layout, const FoundLink& found) {
  if (!found) {
    return {};
  }
  const auto& [netns, link] = found;
  const auto master = std::ranges::find(netns->links, link->master, &kernel::Link::index);
  return {
      .netns = netns->netns,
      .name = link->name,
      .mac = link->mac,
      .mtu = link->mtu,
      .up = link->up,
      .bridge = master != netns->links.end() ? master->name : "",
      .ipv6 = link->ipv6_autoconf && !link->ipv6_disabled && (!link->up || has_link_local(found)),
      // A bridge that is down takes its ports along.
      .plain = link->plain_port || (master != netns->links.end() && !master->up),
      .says = read_cable_mark(layout, link->alias)->says};
}

// Whether it is an end of one of the cables. A copy of an end's mark is none.
bool is_cable_end(const Layout& layout, const kernel::Link& link, const Cables& cables) {
  const auto mark = read_cable_mark(layout, link.alias);
  const auto cable = mark ? cables.find(mark->cable) : cables.end();
  return cable != cables.end() && (cable->second.a.link == &link || cable->second.b.link == &link);
}

// Every interface but those of the kernel: a bridge of the switch, an end of a cable, or
// what somebody else made. An interface that has our group and no mark was cut short
// between two messages; one with another's mark is a copy, and not ours.
void observe_links(const Layout& layout,
                   const NetnsContents& contents,
                   const Cables& cables,
                   ObservedState& state) {
  for (const kernel::Link& link : contents.links) {
    if (link.index == kernel::kLoopback || is_fallback_tunnel(link) ||
        is_cable_end(layout, link, cables)) {
      continue;
    }
    const bool ours =
        link.group == kernel::kNslabGroup && !read_cable_mark(layout, link.alias).has_value();
    if (link.kind == "bridge" && contents.netns == resource::kSwitch) {
      state.add(resource::Bridge{.name = link.name, .mtu = link.mtu, .up = link.up, .marked = ours},
                ours);
    } else {
      state.add(resource::Link{.netns = contents.netns, .name = link.name}, ours);
    }
  }
}

// Where it can be told: not without a carrier, nor of a port or in a VRF, where the network is
// routed in another table, nor where whoever added the address asked for no such route.
bool is_routed(const NetnsContents& contents, const kernel::Address& address) {
  const auto link = std::ranges::find(contents.links, address.index, &kernel::Link::index);
  const std::uint8_t whole = address.address.address.is_v6() ? 128 : 32;
  if (link == contents.links.end() || !link->up || !link->carrier || link->master != 0 ||
      address.address.length == whole || (address.flags & IFA_F_NOPREFIXROUTE) != 0) {
    return true;
  }
  return std::ranges::any_of(contents.routes, [&](const kernel::Route& route) {
    return route.index == address.index && !route.via && route.to == address.address.network();
  });
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
                                .address = address.address,
                                .routed = is_routed(contents, address),
                                .lasts = (address.flags & (IFA_F_PERMANENT | IFA_F_DEPRECATED)) ==
                                         IFA_F_PERMANENT},
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

// What was written to a sysctl that still shows what the kernel made of that.
std::optional<std::string> as_written(const Layout& layout,
                                      const SavedSysctl& sysctl,
                                      std::string_view shown) {
  const auto kept = read_file(layout.shown_sysctl_dir() + "/" + file_name(sysctl));
  const std::size_t end = kept ? kept->rfind('\n') : std::string::npos;
  if (end == std::string::npos || std::string_view(*kept).substr(end + 1) != shown) {
    return std::nullopt;
  }
  return kept->substr(0, end);
}

// Sysctls that are not there any more went with their interface.
void read_sysctls(const Layout& layout,
                  OpenNetns& netns,
                  const std::vector<std::string>& keys,
                  bool some_show_otherwise,
                  NetnsContents& contents) {
  for (const std::string& key : keys) {
    auto value = kernel::read_sysctl(netns.socket, netns.ns.get(), key);
    if (!value && value.error().os_error == ENOENT) {
      continue;
    }
    std::string shown = value ? *std::move(value) : std::string(kUnreadable);
    if (some_show_otherwise) {
      shown = as_written(layout, {contents.netns, key}, shown).value_or(std::move(shown));
    }
    contents.sysctls.push_back({.node = contents.netns, .key = key, .value = std::move(shown)});
  }
}

// The nodes that the lab's user namespaces are named after, by inode.
using Owners = std::map<std::uint64_t, std::string>;

Result<Owners> user_namespaces(const Layout& layout) {
  Owners owners;
  NSLAB_ASSIGN(nodes, userns_names(layout));
  for (std::string& node : nodes) {
    const std::string path = layout.userns(node);

    struct stat info {};

    if (kernel::is_namespace_mount(path) && ::stat(path.c_str(), &info) == 0) {
      owners.emplace(info.st_ino, std::move(node));
    }
  }
  return owners;
}

// "?" where it is none of the lab's.
Result<std::string> owner_of(const OpenNetns& netns, const Owners& owners) {
  NSLAB_ASSIGN(inode, kernel::owner_inode(netns.ns.get()));
  const auto owner = owners.find(inode);
  if (owner != owners.end()) {
    return owner->second;
  }
  NSLAB_ASSIGN(own, kernel::current_namespace(kernel::Namespace::user));
  NSLAB_ASSIGN(own_inode, kernel::namespace_inode(own.get()));
  return std::string(inode == own_inode ? "" : "?");
}

Result<void> read(const Context& context,
                  const SysctlKeys& keys,
                  const Owners& owners,
                  bool some_show_otherwise,
                  NetnsContents& contents) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(netns, find_open(context, contents.netns));
  contents.named = kernel::is_namespace_mount(layout.netns(contents.netns)) &&
                   leads_into(layout, contents.netns);
  contents.present = netns != nullptr;
  if (!contents.present) {
    return {};
  }
  // Without a user namespace of its own a lab's namespaces belong to the host.
  if (!owners.empty()) {
    NSLAB_ASSIGN(owner, owner_of(*netns, owners));
    contents.userns = std::move(owner);
  }
  NSLAB_ASSIGN(links, kernel::list_links(netns->socket, context.counters));
  contents.links = std::move(links);
  NSLAB_ASSIGN(addresses, kernel::list_addresses(netns->socket));
  contents.addresses = std::move(addresses);
  NSLAB_ASSIGN(routes, kernel::list_routes(netns->socket));
  contents.routes = std::move(routes);
  if (const auto set = keys.find(contents.netns); set != keys.end()) {
    read_sysctls(layout, *netns, set->second, some_show_otherwise, contents);
  }
  netns->links.clear();  // others may make some from now on
  netns->next = 0;
  return {};
}

void add(const Layout& layout,
         const NetnsContents& contents,
         const Cables& cables,
         ObservedState& state) {
  resource::NetNs spec{.name = contents.netns, .userns = contents.userns, .named = contents.named};
  const auto loopback = std::ranges::find(contents.links, kernel::kLoopback, &kernel::Link::index);
  spec.loopback = loopback == contents.links.end() || loopback->up;
  if (!contents.present) {
    // A name that was cut short: a file without its namespace, and no process in it.
    spec.userns = "?";
  }
  state.add(std::move(spec));
  const Names names = names_of(layout, contents, cables);
  observe_links(layout, contents, cables, state);
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

// A cable keeps its id, wherever its first end has gone.
void add_cables(const Layout& layout, const Cables& cables, ObservedState& state) {
  for (const auto& [name, found] : cables) {
    resource::Veth cable{.a = to_end(layout, found.a), .b = to_end(layout, found.b)};
    const auto [netns, interface] = split_once(name);
    if (!found.a) {
      cable.a.strayed = resource::VethEnd::kNowhere;
    } else if (cable.a.netns != netns) {
      cable.a.strayed = cable.a.netns + ":" + cable.a.name;
    } else if (cable.a.name != interface) {
      cable.a.strayed = cable.a.name;
    }
    cable.a.netns = netns;
    cable.a.name = interface;
    state.add(std::move(cable));
  }
}

// Interfaces that say that they are one cable's ends.
struct Candidates {
  std::vector<FoundLink> a;
  std::vector<FoundLink> b;
};

// How much speaks for these being a cable's ends; null ones are none.
int weight(std::string_view cable, const FoundLink& a, const FoundLink& b) {
  const auto [netns, interface] = split_once(cable);
  const bool joined = a && b && a.link->peer == b.link->index && b.link->peer == a.link->index;
  const auto ours = [](const FoundLink& end) {
    return end && end.link->group == kernel::kNslabGroup;
  };
  // Whoever has changed the group of one end has not made it another's.
  if ((a && !ours(a) && !(joined && ours(b))) || (b && !ours(b) && !(joined && ours(a)))) {
    return -1;
  }
  const bool in_place = a && a.netns->netns == netns && a.link->name == interface;
  return (a ? 4 : 0) + (b ? 4 : 0) + (in_place ? 2 : 0) + (joined ? 1 : 0);
}

FoundCable choose(std::string_view cable, Candidates candidates) {
  candidates.a.emplace_back();
  candidates.b.emplace_back();
  FoundCable best;
  int most = 0;
  for (const FoundLink& a : candidates.a) {
    for (const FoundLink& b : candidates.b) {
      if (const int found = weight(cable, a, b); found > most) {
        most = found;
        best = {a, b};
      }
    }
  }
  return best;
}

}  // namespace

std::map<std::string, FoundCable> cables_in(const Layout& layout,
                                            std::span<const NetnsContents> all) {
  std::map<std::string, Candidates> candidates;
  for (const NetnsContents& contents : all) {
    for (const kernel::Link& link : contents.links) {
      const auto mark = read_cable_mark(layout, link.alias);
      if (link.kind == "veth" && mark) {
        auto& ends = candidates[mark->cable];
        (mark->first ? ends.a : ends.b).push_back({&contents, &link});
      }
    }
  }
  std::map<std::string, FoundCable> cables;
  for (auto& [name, ends] : candidates) {
    const FoundCable found = choose(name, std::move(ends));
    if (found.a || found.b) {
      cables.emplace(name, found);
    }
  }
  return cables;
}

Result<void> observe_network(Context& context, const Places* only, ObservedState& state) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(names, netns_names(layout, only));
  NSLAB_ASSIGN(keys, sysctl_keys(layout.sysctl_dir(), only));
  NSLAB_ASSIGN(otherwise, names_in(layout.shown_sysctl_dir()));
  NSLAB_ASSIGN(owners, user_namespaces(layout));
  context.contents.assign(names.size(), {});
  std::vector<Result<void>> outcomes(names.size());
  in_parallel(
      names.size(),
      [&](std::size_t i) {
        context.contents[i].netns = names[i];
        outcomes[i] = read(context, keys, owners, !otherwise.empty(), context.contents[i]);
      },
      /*worth_a_thread=*/4);
  for (Result<void>& outcome : outcomes) {
    NSLAB_TRY(std::move(outcome));
  }
  const Cables cables = cables_in(layout, context.contents);
  for (const NetnsContents& contents : context.contents) {
    add(layout, contents, cables, state);
  }
  add_cables(layout, cables, state);
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
