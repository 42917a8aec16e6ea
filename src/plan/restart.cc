// The part of diff() that knows what a node's restart takes along: its network namespace,
// and the nodes that an end of a cable made anew belongs to.
#include <algorithm>
#include <utility>

#include "plan/differ.h"
#include "resource/resource.h"

namespace nslab::plan {

using resource::Id;
using resource::Kind;
using resource::Spec;
using resource::Veth;
using resource::VethEnd;

namespace {

// The network namespace that a node is in; none where that is the host's.
std::optional<Id> netns_of(const Spec& spec) {
  const auto& node = std::get<resource::Node>(spec);
  const resource::NsChoice& net = node.ns(resource::NsType::net);
  switch (net.mode) {
    case resource::NsChoice::Mode::own:
      return resource::netns_id(node.name);
    case resource::NsChoice::Mode::node:
      return resource::netns_id(net.of);
    case resource::NsChoice::Mode::host:
      break;
  }
  return std::nullopt;
}

// What the kernel makes of an end that moves into another namespace: down, and no port of
// a bridge. What else it is like is the old namespace's doing, and is to be set whole.
VethEnd after_move(VethEnd found, const VethEnd& wanted) {
  found.up = false;
  found.bridge.clear();
  found.ipv6 = !wanted.ipv6;
  found.says = {.mac = true, .mtu = true, .up = true, .ipv6 = true};  // all of it is set
  return found;
}

}  // namespace

// A missing node has been in its own namespace if that is there, and in another node's if
// its cgroup is: of a new node nothing is.
bool Differ::renew_for(const Entry& node) {
  const auto netns = netns_of(node.observed != nullptr ? node.observed->spec : node.spec());
  if (!netns) {
    return false;
  }
  const Entry* cgroup = find({Kind::cgroup, node.id->name});
  const bool was_there =
      netns->name == node.id->name || (cgroup != nullptr && cgroup->observed != nullptr);
  const bool starts_again =
      node.action == Action::replace || (node.action == Action::create && was_there);
  const bool leaves_something = node.action == Action::destroy && has_run_setup(*node.id);
  return (starts_again || leaves_something) && renew(*netns, node);
}

bool Differ::renew(const Id& id, const Entry& node) {
  Entry* netns = find(id);
  if (netns == nullptr || netns->observed == nullptr || !netns->observed->ours ||
      netns->desired == nullptr || netns->goes() || netns->renewed) {
    return false;
  }
  netns->renewed = true;
  auto used = std::get<resource::NetNs>(netns->observed->spec);
  used.clean = false;
  netns->before = std::move(used);
  netns->action = Action::change;
  netns->reason = "a clean network namespace, since " + to_string(*node.id) +
                  (node.desired == nullptr ? " goes" : " starts again");
  return true;
}

bool Differ::has_run_setup(const Id& node) const {
  const Id first{Kind::setup, node.name + "/"};
  for (auto each = lower_bound(first); each != entries_.end() && each->id->kind == Kind::setup &&
                                       each->id->name.starts_with(first.name);
       ++each) {
    if (each->observed != nullptr) {
      return true;
    }
  }
  return false;
}

void Differ::find_who_has_run_setup() {
  for (const Entry& node : entries_) {
    if (node.id->kind == Kind::node && node.observed != nullptr && has_run_setup(*node.id)) {
      if (auto netns = netns_of(node.observed->spec)) {
        has_run_setup_in_.emplace(*std::move(netns), *node.id);
      }
    }
  }
  if (last_ != nullptr && !has_run_setup_in_.empty()) {
    for (const auto& [_, each] : last_->resources) {
      for (Id& interface : resource::interfaces_of(each.spec)) {
        last_interfaces_.insert(std::move(interface));
      }
    }
  }
}

// Setup lines were without an interface that the file has got just now.
bool Differ::was_there(const VethEnd& end, const Entry& cable) const {
  const Id id = resource::interface_id(end.netns, end.name);
  const Entry* before = find(id, observed_interfaces_);
  if ((before != nullptr && before->observed != nullptr) || last_interfaces_.contains(id)) {
    return true;
  }
  // Where an end was not found, it is not known whose it was.
  return cable.observed != nullptr && std::get<Veth>(cable.observed->spec).b.name.empty();
}

// Those that have run setup lines in the namespaces of the ends of a cable made anew.
bool Differ::restart_for(const Entry& cable) {
  const bool made = cable.action == Action::create || cable.action == Action::replace;
  if (cable.desired == nullptr || !made) {
    return false;
  }
  bool changed = false;
  const auto& veth = std::get<Veth>(cable.desired->spec);
  for (const VethEnd* end : {&veth.a, &veth.b}) {
    const auto nodes = has_run_setup_in_.equal_range(resource::netns_id(end->netns));
    if (nodes.first == nodes.second || !was_there(*end, cable)) {
      continue;
    }
    for (auto node = nodes.first; node != nodes.second; ++node) {
      const std::string reason = end->name + " is made anew, and what setup did to it is lost";
      changed = restart_node(node->second, reason) || changed;
    }
  }
  return changed;
}

const Entry* Differ::renewed_netns_of(const VethEnd& end) const {
  const Entry* netns = find(resource::netns_id(end.netns));
  return netns != nullptr && netns->renewed ? netns : nullptr;
}

// The cables that stay: their ends in a renewed namespace come into it as they were left.
void Differ::move_ends() {
  for (Entry& entry : entries_) {
    if (entry.id->kind != Kind::veth || entry.observed == nullptr || entry.desired == nullptr ||
        entry.goes()) {
      continue;
    }
    auto found = std::get<Veth>(entry.observed->spec);
    const auto& wanted = std::get<Veth>(entry.desired->spec);
    for (const auto end : {&Veth::a, &Veth::b}) {
      const Entry* netns = renewed_netns_of(found.*end);
      if (netns == nullptr) {
        continue;
      }
      found.*end = after_move(std::move(found.*end), wanted.*end);
      entry.action = Action::change;
      entry.reason += (entry.reason.empty() ? "" : ", ") + std::string("moves into the clean ") +
                      to_string(*netns->id);
      entry.before = found;
    }
  }
}

}  // namespace nslab::plan
