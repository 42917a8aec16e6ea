#include "host/capacity.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>

#include "base/text.h"
#include "host/context.h"
#include "host/id_maps.h"
#include "kernel/mount.h"
#include "probe/limits.h"

namespace nslab::host {
namespace {

using resource::NsChoice;
using resource::NsType;

// The lines that take one of a thing each; who takes several is there as often.
using Takers = std::vector<const resource::Desired*>;

struct Demand {
  std::string_view limit;
  std::string_view noun;
  std::uint64_t own;  // what nslab itself takes while it brings the lab up
  std::size_t (*takes)(const resource::Spec& spec);  // how many
  // What is enough for every lab, where nslab makes do with less.
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

template <typename T>
std::size_t is(const resource::Spec& spec) {
  return std::holds_alternative<T>(spec) ? 1 : 0;
}

std::size_t needs_maps(const resource::Spec& spec) {
  const auto* node = std::get_if<resource::Node>(&spec);
  return node != nullptr && node->root != "host" &&
                 node->ns(NsType::mnt).mode == NsChoice::Mode::own &&
                 node->ns(NsType::user).mode != NsChoice::Mode::host
             ? 1
             : 0;
}

template <NsType type>
std::size_t owns(const resource::Spec& spec) {
  const auto* node = std::get_if<resource::Node>(&spec);
  return node != nullptr && node->ns(type).mode == NsChoice::Mode::own ? 1 : 0;
}

std::size_t runs(const resource::Spec& spec) {
  return is<resource::Node>(spec) + is<resource::Service>(spec);
}

// Network namespaces stay open, each with a socket, where there is room for it.
// Nodes are made many at once: each by its socket, its cgroup, and the namespaces
// that are there before it.
std::size_t opens(const resource::Spec& spec) {
  if (is<resource::NetNs>(spec) != 0) {
    return 2;
  }
  const auto* node = std::get_if<resource::Node>(&spec);
  if (node == nullptr) {
    return 0;
  }
  const auto shared = std::ranges::count(node->namespaces, NsChoice::Mode::node, &NsChoice::mode);
  return 2 + static_cast<std::size_t>(shared) + owns<NsType::net>(spec) + owns<NsType::user>(spec);
}

constexpr std::array kDemands{
    Demand{"limit:net-namespaces", "network namespace", 0, is<resource::NetNs>},
    Demand{"limit:user-namespaces", "user namespace", 0, is<resource::UserNs>},
    Demand{"limit:pid-namespaces", "PID namespace", 0, owns<NsType::pid>},
    Demand{"limit:mnt-namespaces", "mount namespace", 1, owns<NsType::mnt>},
    Demand{"limit:uts-namespaces", "UTS namespace", 0, owns<NsType::uts>},
    Demand{"limit:ipc-namespaces", "IPC namespace", 0, owns<NsType::ipc>},
    Demand{"limit:cgroup-namespaces", "cgroup namespace", 0, owns<NsType::cgroup>},
    Demand{"limit:time-namespaces", "time namespace", 0, owns<NsType::time>},
    Demand{"limit:process-numbers", "process", 2, runs},
    Demand{"limit:threads", "process", 2, runs},
    Demand{"limit:open-files", "open file", 16, opens, 1024 - 16}};

std::size_t count(const resource::DesiredState& desired,
                  std::size_t (*takes)(const resource::Spec&)) {
  std::size_t sum = 0;
  for (const auto& [id, entry] : desired.resources) {
    sum += takes(entry.spec);
  }
  return sum;
}

Takers takers_of(const resource::DesiredState& desired,
                 std::size_t (*takes)(const resource::Spec&)) {
  Takers takers;
  for (const auto& [id, entry] : desired.resources) {
    takers.insert(takers.end(), takes(entry.spec), &entry);
  }
  std::ranges::sort(takers, {}, [](const resource::Desired* each) { return each->order; });
  return takers;
}

// Room for this lab twice, so that it may grow.
std::string remedy(const probe::Limit& limit, std::uint64_t wanted) {
  return probe::how_to_raise(limit, std::max(limit.enough, 2 * wanted));
}

// How many of the things of one kind of address each network segment holds.
struct Segments {
  std::map<std::string, std::uint64_t> interfaces;  // by bridge
  std::uint64_t on_links = 0;

  // When each has spoken to one other: the router of a subnet, say.
  [[nodiscard]] std::uint64_t neighbours() const {
    std::uint64_t sum = on_links;
    for (const auto& [bridge, count] : interfaces) {
      sum += 2 * (count - 1);
    }
    return sum;
  }

  [[nodiscard]] std::string biggest() const {
    const auto place =
        std::ranges::max_element(interfaces, {}, [](const auto& each) { return each.second; });
    return place == interfaces.end() ? "" : place->first;
  }
};

Segments segments_of(const resource::DesiredState& desired, bool v4) {
  std::set<std::pair<std::string, std::string>> addressed;
  for (const auto& [id, entry] : desired.resources) {
    const auto* address = std::get_if<resource::Address>(&entry.spec);
    if (address != nullptr && address->address.address.is_v6() != v4) {
      addressed.emplace(address->netns, address->interface);
    }
  }
  Segments segments;
  for (const auto& [id, entry] : desired.resources) {
    const auto* cable = std::get_if<resource::Veth>(&entry.spec);
    if (cable == nullptr || !addressed.contains({cable->a.netns, cable->a.name})) {
      continue;
    }
    if (cable->b.bridge.empty()) {
      segments.on_links += 2;
    } else {
      ++segments.interfaces[cable->b.bridge];
    }
  }
  return segments;
}

void add_neighbours(const resource::DesiredState& desired, bool v4, std::vector<Error>& warnings) {
  const Segments segments = segments_of(desired, v4);
  const std::uint64_t wanted = segments.neighbours();
  // No kernel is set up for fewer by default; reading it takes a while.
  constexpr std::uint64_t kAlwaysThere = 128;
  const probe::Limit& limit =
      *probe::find_limit(v4 ? "limit:neighbours-ipv4" : "limit:neighbours-ipv6");
  const auto allowed = wanted > kAlwaysThere ? limit.read(limit) : std::nullopt;
  if (!allowed || wanted <= *allowed) {
    return;
  }
  const auto bridge =
      desired.resources.find(resource::id_of(resource::Bridge{.name = segments.biggest()}));
  warnings.push_back(
      {.kind = ErrorKind::missing,
       .message = "the lab's nodes will know " + std::to_string(wanted) + (v4 ? " IPv4" : " IPv6") +
                  " neighbours once each has spoken to one, and the " + "kernel remembers " +
                  std::to_string(*allowed) + " of all namespaces together: packets get lost",
       .where = bridge == desired.resources.end() ? SourcePos{} : bridge->second.origin,
       .hint = remedy(limit, wanted)});
}

void add_watches(const resource::DesiredState& desired, std::vector<Error>& warnings) {
  const Takers services = takers_of(desired, is<resource::Service>);
  const probe::Limit& limit = *probe::find_limit("limit:inotify-instances");
  const auto allowed = services.empty() ? std::nullopt : limit.read(limit);
  if (allowed && services.size() > *allowed) {
    warnings.push_back({.kind = ErrorKind::missing,
                        .message = "the lab has " + plural(services.size(), "service") + ", and " +
                                   std::to_string(*allowed) + " of them may watch files",
                        .where = services[*allowed]->origin,
                        .hint = remedy(limit, services.size())});
  }
}

// The first in the file speaks for the others.
void add_unlimited(const Context& context,
                   const resource::DesiredState& desired,
                   std::vector<Error>& warnings) {
  const Takers takers = takers_of(desired, [](const resource::Spec& spec) -> std::size_t {
    const auto* cgroup = std::get_if<resource::Cgroup>(&spec);
    return cgroup != nullptr && cgroup->pids == resource::kDefaultPids ? 1 : 0;
  });
  if (!takers.empty() && !context.limits_pids) {
    warnings.push_back({.kind = ErrorKind::missing,
                        .message = "this host cannot limit processes by cgroup: a node may start "
                                   "as many as it likes",
                        .where = takers.front()->origin,
                        .hint = "'nslab doctor' says what to do (cgroup:pids)"});
  }
}

// What a node with a user namespace does not see of its root.
void add_left_out(const resource::DesiredState& desired, std::vector<Error>& warnings) {
  IdMaps maps;
  std::set<std::string> told;
  std::optional<std::vector<kernel::MountEntry>> table;
  for (const resource::Desired* taker : takers_of(desired, needs_maps)) {
    const auto& node = std::get<resource::Node>(taker->spec);
    const std::string root = node.root == "overlay" ? "/" : node.root;
    if (!told.insert(root).second) {
      continue;
    }
    if (!table) {
      table = kernel::mount_table().value_or({});
    }
    for (const std::string& target : kernel::file_systems_below(*table, root)) {
      if (!maps.takes(target)) {
        warnings.push_back({.kind = ErrorKind::missing,
                            .message = "nodes with a user namespace do not see " + quote(target) +
                                       ": its file system does not let owners be mapped",
                            .where = taker->origin,
                            .hint = "write 'user: host' where it is needed"});
      }
    }
  }
}

}  // namespace

std::vector<Error> exceeded(const resource::DesiredState& desired,
                            Made made,
                            std::size_t open_files) {
  std::vector<Error> errors;
  for (const Demand& demand : kDemands) {
    if (std::ranges::none_of(
            made, [&](const resource::Desired* each) { return demand.takes(each->spec) > 0; })) {
      continue;  // what is there has found its place
    }
    const probe::Limit& limit = *probe::find_limit(demand.limit);
    const auto allowed = limit.read(limit);
    const std::uint64_t own = demand.own + (demand.takes == opens ? open_files : 0);
    const std::uint64_t wanted = std::min(count(desired, demand.takes), demand.most) + own;
    if (!allowed || wanted <= *allowed) {
      continue;
    }
    const Takers takers = takers_of(desired, demand.takes);
    const std::uint64_t fitting = *allowed > own ? *allowed - own : 0;
    errors.push_back({.kind = ErrorKind::missing,
                      .message = "the lab needs " + plural(wanted, demand.noun) +
                                 ", and this host allows " + std::to_string(*allowed) + " (" +
                                 std::string(limit.key) + ")",
                      .where = takers[fitting]->origin,
                      .hint = remedy(limit, wanted)});
  }
  return errors;
}

std::vector<Error> tight(const Context& context, const resource::DesiredState& desired) {
  std::vector<Error> warnings;
  add_unlimited(context, desired, warnings);
  add_left_out(desired, warnings);
  add_neighbours(desired, true, warnings);
  add_neighbours(desired, false, warnings);
  add_watches(desired, warnings);
  return warnings;
}

}  // namespace nslab::host
