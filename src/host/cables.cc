// Bridges, cables, and interfaces that others made.
#include <algorithm>
#include <cerrno>
#include <map>
#include <numeric>

#include "base/text.h"
#include "host/objects.h"
#include "host/observe.h"
#include "host/per_netns.h"
#include "kernel/address.h"

namespace nslab::host {
namespace {

using resource::Bridge;
using resource::Link;
using resource::Says;
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

// One attempt at these cables, by their places in the batch. Those whose numbers were
// taken are `taken`, and are left to make.
Outcome try_cables(Context& context,
                   Batch<Veth> batch,
                   const std::vector<std::size_t>& places,
                   std::vector<std::size_t>* taken) {
  std::map<std::string, CableBatch> cables;  // by where they are sent from
  for (const std::size_t i : places) {
    if (auto added = append_cable(context, cables, i, *batch[i]); !added) {
      return Failure{i, std::move(added).error()};
    }
  }
  for (auto& [name, cable] : cables) {
    auto failures = cable.netns->socket.execute(cable.messages);
    if (taken != nullptr) {
      std::erase_if(failures, [&](const kernel::Failure& failure) {
        const bool exists = failure.error.os_error == EEXIST;
        if (exists) {
          taken->push_back(failure.tag);
        }
        return exists;
      });
    }
    if (auto failure = first_failure(std::move(failures))) {
      return failure;
    }
  }
  return {};
}

// The kernel numbers what comes next there.
Result<void> number_no_more(Context& context, std::string_view netns) {
  NSLAB_ASSIGN(open, open_netns(context, netns));
  open->next = 0;
  open->links.clear();
  return {};
}

// A module that is loaded meanwhile puts its tunnels into all namespaces, and takes the
// numbers that came next in them: then a second attempt is without numbers.
Outcome make_cables(Context& context, Batch<Veth> batch) {
  std::vector<std::size_t> all(batch.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<std::size_t> taken;
  if (auto failure = try_cables(context, batch, all, &taken)) {
    return failure;
  }
  for (const std::size_t place : taken) {
    for (const VethEnd* end : {&batch[place]->a, &batch[place]->b}) {
      if (auto forgotten = number_no_more(context, end->netns); !forgotten) {
        return Failure{place, std::move(forgotten).error()};
      }
    }
  }
  return taken.empty() ? Outcome{} : try_cables(context, batch, taken, nullptr);
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
// cable, what is to be of IPv6, and up.
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

// Whether the kernel lets an interface of the lab have IPv6. In the switch it is off as
// a whole (silence_ipv6()).
bool has_ipv6(const VethEnd& end, std::uint32_t mtu) {
  return end.netns != kSwitch && mtu >= kernel::kMinIpv6Mtu && kernel::kernel_has_ipv6();
}

// Nobody has to wait for the address, or for the other end to be up: nslab makes it as the
// kernel would, but without looking for duplicates, which cannot be where nslab gives out
// the MAC addresses. If the interface goes down and up again, it is the kernel's to make
// it again.
void append_ipv6(kernel::Batch& messages,
                 std::size_t tag,
                 kernel::LinkIndex index,
                 const VethEnd& end) {
  if (end.ipv6) {
    kernel::append_link_local(messages, tag, index, end.mac);
  } else {
    kernel::append_link_settings(messages, tag, index, {.ipv6_autoconf = false});
  }
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
        if (has_ipv6(end, end.mtu)) {
          NSLAB_TRY(end.ipv6 ? allow_ipv6(netns, end.name, true) : Result<void>());
          append_ipv6(messages, i, index, end);
        }
        kernel::append_link_settings(
            messages,
            i,
            index,
            {.up = end.up, .alias = cable_mark(context.layout, *ends[i].cable, end)});
        return {};
      });
  if (failure) {
    failure->index = ends[failure->index].place;
  }
  return failure;
}

struct EndChange {
  const VethEnd* before;
  const VethEnd* after;
  const Veth* cable;  // as it is to be
  std::size_t place;

  // What the file has no say about stays as the node has made it.
  template <typename Value>
  [[nodiscard]] bool changes(std::string_view field, Value VethEnd::*member) const {
    return before->*member != after->*member && (before->rules(field) || after->rules(field));
  }

  [[nodiscard]] bool any() const {
    return changes("mac", &VethEnd::mac) || changes("mtu", &VethEnd::mtu) ||
           changes("up", &VethEnd::up) || changes("bridge", &VethEnd::bridge) ||
           changes("ipv6", &VethEnd::ipv6) || changes("plain-port", &VethEnd::plain) ||
           before->says != after->says;
  }
};

Result<kernel::LinkSettings> settings_of(const Layout& layout,
                                         OpenNetns& netns,
                                         const EndChange& change) {
  const VethEnd& after = *change.after;
  kernel::LinkSettings settings;
  if (change.changes("mac", &VethEnd::mac)) {
    settings.mac = after.mac;
  }
  if (change.changes("mtu", &VethEnd::mtu)) {
    settings.mtu = after.mtu;
  }
  if (change.changes("up", &VethEnd::up)) {
    settings.up = after.up;
  }
  settings.plain_port = change.changes("plain-port", &VethEnd::plain);
  if (change.before->says != after.says) {
    settings.alias = cable_mark(layout, *change.cable, after);
  }
  if (change.changes("bridge", &VethEnd::bridge)) {
    settings.master = 0;
    if (!after.bridge.empty()) {
      NSLAB_ASSIGN(bridge, find_link(netns, after.bridge));
      settings.master = bridge;
    }
  }
  return settings;
}

// The kernel takes IPv6 off an interface when its MTU gets too small, and when it is
// raised again gives it anew with all of its own defaults.
Result<void> append_change(const Layout& layout,
                           OpenNetns& netns,
                           kernel::Batch& messages,
                           std::size_t tag,
                           const EndChange& change) {
  const VethEnd& after = *change.after;
  NSLAB_ASSIGN(index, find_link(netns, after.name));
  NSLAB_ASSIGN(settings, settings_of(layout, netns, change));
  const bool had_ipv6 = has_ipv6(after, change.before->mtu);
  const bool will_have = has_ipv6(after, settings.mtu.value_or(change.before->mtu));
  const bool anew = !had_ipv6 && will_have;
  const bool switched = had_ipv6 && will_have && change.changes("ipv6", &VethEnd::ipv6);
  if (will_have && after.ipv6) {
    NSLAB_TRY(allow_ipv6(netns, after.name, true));
  }
  if (switched && after.ipv6) {
    kernel::append_link_settings(messages, tag, index, {.ipv6_autoconf = true});
  }
  const bool raised = will_have && after.ipv6 && after.up && change.changes("up", &VethEnd::up);
  if (switched || raised) {  // before it is up: the kernel's own looks for duplicates
    append_ipv6(messages, tag, index, after);
  }
  if (settings != kernel::LinkSettings{}) {
    kernel::append_link_settings(messages, tag, index, settings);
  }
  if (anew && after.ipv6) {  // the kernel's own looks for duplicates yet
    kernel::append_delete_link_local(messages, tag, index, after.mac);
  }
  if (anew) {
    append_ipv6(messages, tag, index, after);
  }
  if ((anew || switched) && !after.ipv6) {
    kernel::append_delete_link_local(messages, tag, index, after.mac);
  }
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
  const std::string name = id_of(cable).name;
  std::optional<Error> failed;
  for (const VethEnd* end : {&cable.a, &cable.b}) {
    if (end->netns.empty()) {
      continue;
    }
    auto netns = open_netns(context, end->netns);
    if (!netns) {
      // A namespace without a name that others still hold: the other end will do.
      failed = std::move(netns).error();
      continue;
    }
    NSLAB_ASSIGN(present, kernel::list_links((*netns)->socket));
    for (const kernel::Link& link : present) {
      const auto mark = read_cable_mark(context.layout, link.alias);
      if (mark && mark->cable == name && link.group == kernel::kNslabGroup) {
        return std::optional<Link>({.netns = end->netns, .name = link.name});
      }
    }
  }
  return failed ? Result<std::optional<Link>>(*std::move(failed)) : std::optional<Link>();
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
  std::string mark = mark_prefix(layout) + id_of(cable).name + (&end == &cable.a ? ":a" : ":b");
  std::string said;
  resource::for_each_field<Says>([&](const auto& row) {
    if (end.says.*row.member) {
      said += (said.empty() ? ":" : ",") + std::string(row.name);
    }
  });
  return mark + said;
}

std::optional<CableMark> read_cable_mark(const Layout& layout, std::string_view alias) {
  const std::string prefix = mark_prefix(layout);
  if (!alias.starts_with(prefix)) {
    return std::nullopt;
  }
  const auto parts = split(alias.substr(prefix.size()), ':');
  if (parts.size() < 2 || parts.size() > 3 || (parts[1] != "a" && parts[1] != "b")) {
    return std::nullopt;
  }
  CableMark mark{.cable = std::string(parts[0]), .first = parts[1] == "a"};
  for (const std::string_view said : split(parts.size() == 3 ? parts[2] : "", ',')) {
    resource::for_each_field<Says>([&](const auto& row) {
      if (row.name == said) {
        mark.says.*row.member = true;
      }
    });
  }
  return mark;
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
        kernel::append_link_settings(
            messages, i, index, {.mtu = after.mtu, .up = after.up, .group = kernel::kNslabGroup});
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
    for (const auto end : {&Veth::a, &Veth::b}) {
      const EndChange change{&(batch[i].before->*end), &(batch[i].after->*end), batch[i].after, i};
      if (change.any()) {
        ends.push_back(change);
      }
    }
  }
  auto failure = for_each_netns(
      context,
      ends,
      [](const EndChange& each) { return each.after->netns; },
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) {
        return append_change(context.layout, netns, messages, i, ends[i]);
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
