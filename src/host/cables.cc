// Bridges, cables, and interfaces that others made.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "host/objects.h"
#include "host/observe.h"
#include "host/per_netns.h"
#include "kernel/sysctl.h"

namespace nslab::host {
namespace {

using resource::Bridge;
using resource::Link;
using resource::Veth;
using resource::VethEnd;

constexpr std::string_view kSwitch = resource::kSwitch;

std::string in_switch(const Bridge* /*spec*/) {
  return std::string(kSwitch);
}

// Cables that are made with one call.
struct CableBatch {
  kernel::Batch messages;
  std::shared_ptr<OpenNetns> netns;               // where it is sent from
  std::vector<std::shared_ptr<OpenNetns>> other;  // their numbers are in the messages
};

// The number of a new interface; 0 where the kernel chooses it.
kernel::LinkIndex next_index(OpenNetns& netns, const std::string& interface) {
  if (netns.next == 0) {
    return 0;
  }
  netns.links.emplace(interface, netns.next);
  return netns.next++;
}

kernel::VethEnd to_kernel(OpenNetns& netns, const VethEnd& end) {
  return {.netns_fd = netns.ns.get(),
          .name = end.name,
          .index = next_index(netns, end.name),
          .mac = end.mac,
          .mtu = end.mtu};
}

// The message's first end is the one that can be created as a bridge's port, and the
// message is sent from there: Linux 6.1 and 6.12 look for its name and index in the
// namespace of the socket, and take what they find for what is to be made (EEXIST). Nor
// can what a message leaves unsaid land on the host.
Result<void> append_cable(Context& context,
                          std::map<std::string, CableBatch>& cables,
                          std::size_t tag,
                          const Veth& spec) {
  CableBatch& cable = cables[spec.b.netns];
  NSLAB_ASSIGN(node, open_netns(context, spec.a.netns));
  NSLAB_ASSIGN(far, open_netns(context, spec.b.netns));
  const kernel::VethEnd node_end = to_kernel(*node, spec.a);
  kernel::VethEnd far_end = to_kernel(*far, spec.b);
  if (!spec.b.bridge.empty()) {
    NSLAB_ASSIGN(bridge, find_link(*far, spec.b.bridge));
    far_end.master = bridge;
  }
  kernel::append_veth(cable.messages, tag, far_end, node_end, kernel::kNslabGroup);
  cable.netns = std::move(far);
  cable.other.push_back(std::move(node));
  return {};
}

Outcome make_cables(Context& context, Batch<Veth> batch) {
  std::map<std::string, CableBatch> cables;  // by where they are sent from
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (auto added = append_cable(context, cables, i, *batch[i]); !added) {
      return Failure{i, std::move(added).error()};
    }
  }
  for (auto& [name, cable] : cables) {
    if (auto failure = first_failure(cable.netns->socket.execute(cable.messages))) {
      return failure;
    }
  }
  return {};
}

// Nobody waits for the link-local address either: duplicates cannot be where
// nslab gives out the MAC addresses. Written before the kernel makes the address.
Result<void> skip_duplicate_detection(const OpenNetns& netns, const VethEnd& end) {
  std::string name = end.name;
  std::ranges::replace(name, '.', '/');  // as the keys of sysctls write it
  return kernel::write_sysctl(netns.ns.get(), "net.ipv6.conf." + name + ".accept_dad", "0");
}

// Interfaces come or go, where nslab does not number them.
void forget_links(Context& context) {
  const std::scoped_lock lock(context.mutex);
  for (const auto& [name, netns] : context.open) {
    if (netns->next == 0) {
      netns->links.clear();
    }
  }
}

// What the creating message cannot carry for both ends: the mark that names the
// cable, no IPv6 by itself, and up.
struct EndPlace {
  const VethEnd* end;
  const Veth* cable;
  std::size_t place;
};

std::vector<EndPlace> ends_of(Batch<Veth> batch) {
  std::vector<EndPlace> ends;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    ends.push_back({&batch[i]->a, batch[i], i});
    ends.push_back({&batch[i]->b, batch[i], i});
  }
  return ends;
}

Outcome finish_ends(Context& context, Batch<Veth> batch) {
  const std::vector<EndPlace> ends = ends_of(batch);
  forget_links(context);
  auto failure = for_each_netns(
      context,
      ends,
      [](const EndPlace& each) { return each.end->netns; },
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        const VethEnd& end = *ends[i].end;
        NSLAB_ASSIGN(index, find_link(netns, end.name));
        if (end.ipv6) {
          NSLAB_TRY(skip_duplicate_detection(netns, end));
        }
        kernel::append_link_settings(messages,
                                     i,
                                     index,
                                     {.ipv6_autoconf = end.ipv6,
                                      .up = end.up,
                                      .alias = cable_mark(context.layout, *ends[i].cable, end)});
        return {};
      });
  if (failure) {
    failure->index = ends[failure->index].place;
  }
  return failure;
}

kernel::LinkSettings settings_of(const VethEnd& before, const VethEnd& after) {
  kernel::LinkSettings settings;
  if (before.mac != after.mac) {
    settings.mac = after.mac;
  }
  if (before.mtu != after.mtu) {
    settings.mtu = after.mtu;
  }
  if (before.ipv6 != after.ipv6) {
    settings.ipv6_autoconf = after.ipv6;
  }
  if (before.up != after.up) {
    settings.up = after.up;
  }
  return settings;
}

struct EndChange {
  const VethEnd* before;
  const VethEnd* after;
  std::size_t place;
};

Result<void> append_change(OpenNetns& netns,
                           kernel::Batch& messages,
                           std::size_t tag,
                           const EndChange& change) {
  const VethEnd& after = *change.after;
  NSLAB_ASSIGN(index, find_link(netns, after.name));
  if (after.ipv6 && !change.before->ipv6) {
    NSLAB_TRY(skip_duplicate_detection(netns, after));
  }
  kernel::LinkSettings settings = settings_of(*change.before, after);
  if (change.before->bridge != after.bridge) {
    settings.master = 0;
    if (!after.bridge.empty()) {
      NSLAB_ASSIGN(bridge, find_link(netns, after.bridge));
      settings.master = bridge;
    }
  }
  kernel::append_link_settings(messages, tag, index, settings);
  return {};
}

Result<void> append_removal(OpenNetns& netns,
                            kernel::Batch& messages,
                            std::size_t tag,
                            const Link& spec) {
  const auto index = find_link(netns, spec.name);
  if (!index && index.error().kind == ErrorKind::not_found) {
    return {};  // it went with its other end
  }
  NSLAB_TRY(index);
  kernel::append_delete_link(messages, tag, *index);
  return {};
}

Result<std::optional<Link>> find_an_end(Context& context, const Veth& cable) {
  for (const VethEnd* end : {&cable.a, &cable.b}) {
    if (end->netns.empty()) {
      continue;
    }
    NSLAB_ASSIGN(netns, open_netns(context, end->netns));
    NSLAB_ASSIGN(present, kernel::list_links(netns->socket));
    for (const kernel::Link& link : present) {
      if (link.alias == cable_mark(context.layout, cable, cable.a) ||
          link.alias == cable_mark(context.layout, cable, cable.b)) {
        return std::optional<Link>({.netns = end->netns, .name = link.name});
      }
    }
  }
  return std::optional<Link>();
}

// Removes interfaces, one namespace after the other: a cable goes by either of its
// ends, so that the next namespace may have lost what is to be removed there.
Outcome remove_links(Context& context, const std::vector<Link>& links) {
  forget_links(context);
  for (const auto& [name, places] : by_netns(links, [](const Link& each) { return each.netns; })) {
    auto netns = open_netns(context, name);
    if (!netns) {
      return Failure{places.front(), std::move(netns).error()};
    }
    (*netns)->links.clear();
    auto failure =
        execute_in(**netns, places, [&](OpenNetns& open, kernel::Batch& messages, std::size_t i) {
          return append_removal(open, messages, i, links[i]);
        });
    (*netns)->links.clear();
    if (failure) {
      return failure;
    }
  }
  return {};
}

std::string mark_prefix(const Layout& layout) {
  return "nslab:" + layout.lab() + ":";
}

}  // namespace

std::string cable_mark(const Layout& layout, const Veth& cable, const VethEnd& end) {
  return mark_prefix(layout) + id_of(cable).name + (&end == &cable.a ? ":a" : ":b");
}

std::optional<CableMark> read_cable_mark(const Layout& layout, const std::string& alias) {
  constexpr std::size_t kEnd = 2;  // ":a"
  const std::string prefix = mark_prefix(layout);
  if (!alias.starts_with(prefix) || alias.size() < prefix.size() + kEnd) {
    return std::nullopt;
  }
  return CableMark{.cable = alias.substr(prefix.size(), alias.size() - prefix.size() - kEnd),
                   .first = alias.ends_with(":a")};
}

Outcome create(Context& context, Batch<Bridge> batch) {
  forget_links(context);
  return for_each_netns(
      context,
      batch,
      in_switch,
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        kernel::append_bridge(messages,
                              i,
                              {.name = batch[i]->name,
                               .index = next_index(netns, batch[i]->name),
                               .mtu = batch[i]->mtu,
                               .up = batch[i]->up},
                              kernel::kNslabGroup);
        return {};
      });
}

Outcome change(Context& context, Changes<Bridge> batch) {
  return for_each_netns(
      context,
      batch,
      [](const ChangeOf<Bridge>& /*each*/) { return std::string(kSwitch); },
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        const Bridge& after = *batch[i].after;
        NSLAB_ASSIGN(index, find_link(netns, after.name));
        kernel::append_link_settings(messages, i, index, {.mtu = after.mtu, .up = after.up});
        return {};
      });
}

Outcome destroy(Context& context, Batch<Bridge> batch) {
  std::vector<Link> links;
  for (const Bridge* spec : batch) {
    links.push_back({std::string(kSwitch), spec->name});
  }
  return remove_links(context, links);
}

Outcome create(Context& context, Batch<Veth> batch) {
  // Messages hold the numbers of open namespaces: not all of a large lab's at once.
  const std::size_t at_once = context.at_once(64, 2);
  for (std::size_t first = 0; first < batch.size(); first += at_once) {
    const Batch<Veth> some = batch.subspan(first, std::min(at_once, batch.size() - first));
    if (auto failure = make_cables(context, some)) {
      failure->index += first;
      return failure;
    }
  }
  return finish_ends(context, batch);
}

Outcome change(Context& context, Changes<Veth> batch) {
  std::vector<EndChange> ends;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].before->a != batch[i].after->a) {
      ends.push_back({&batch[i].before->a, &batch[i].after->a, i});
    }
    if (batch[i].before->b != batch[i].after->b) {
      ends.push_back({&batch[i].before->b, &batch[i].after->b, i});
    }
  }
  auto failure = for_each_netns(
      context,
      ends,
      [](const EndChange& each) { return each.after->netns; },
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) {
        return append_change(netns, messages, i, ends[i]);
      });
  if (failure) {
    failure->index = ends[failure->index].place;
  }
  return failure;
}

// By its marks, not by its names: an end may have been renamed. A cable goes by
// either of its ends.
Outcome destroy(Context& context, Batch<Veth> batch) {
  std::vector<Link> links;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto found = find_an_end(context, *batch[i]);
    if (!found) {
      return Failure{i, std::move(found).error()};
    }
    if (*found) {
      links.push_back(**std::move(found));
    }
  }
  return remove_links(context, links);
}

Outcome destroy(Context& context, Batch<Link> batch) {
  std::vector<Link> links;
  for (const Link* spec : batch) {
    links.push_back(*spec);
  }
  return remove_links(context, links);
}

}  // namespace nslab::host
