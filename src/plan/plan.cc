#include "plan/plan.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "plan/differ.h"
#include "resource/difference.h"

namespace nslab::plan {

using resource::Cost;
using resource::Id;
using resource::Kind;
using resource::Spec;

namespace {

// Kinds whose objects have names that others on the host could have taken. What
// is inside a namespace of the lab is the lab's to repair.
bool has_name_on_host(Kind kind) {
  return kind == Kind::lab || kind == Kind::cgroup || kind == Kind::netns;
}

std::string who(const std::string& netns) {
  return netns == resource::kSwitch ? "the lab's switch" : "node " + quote(netns);
}

}  // namespace

std::size_t Plan::count(Action action) const {
  if (action == Action::keep) {
    return kept_;
  }
  return static_cast<std::size_t>(std::ranges::count(steps_, action, &Step::action));
}

Plan diff(const resource::DesiredState& desired,
          const resource::ObservedState& observed,
          const resource::DesiredState* last) {
  return Differ(desired, observed, last).run();
}

Plan Differ::run() {
  pair();
  decide();
  restart();
  spread();
  tell_losses();
  replace_cut_routes();
  move_ends();
  find_conflicts();
  return order();
}

void Differ::add_interfaces(const Spec& spec, Interfaces& into) {
  for (Id& interface : resource::interfaces_of(spec)) {
    into.emplace(std::move(interface), id_of(spec));
  }
}

void Differ::pair() {
  auto wanted = desired_.resources.begin();
  auto seen = observed_.resources.begin();
  entries_.reserve(std::max(desired_.resources.size(), observed_.resources.size()));
  while (wanted != desired_.resources.end() || seen != observed_.resources.end()) {
    const bool take_wanted = seen == observed_.resources.end() ||
                             (wanted != desired_.resources.end() && wanted->first <= seen->first);
    const bool take_seen = wanted == desired_.resources.end() ||
                           (seen != observed_.resources.end() && seen->first <= wanted->first);
    Entry entry;
    if (take_seen) {
      entry.id = &seen->first;
      entry.observed = &seen->second;
      add_interfaces(seen->second.spec, observed_interfaces_);
      ++seen;
    }
    if (take_wanted) {
      entry.id = &wanted->first;
      entry.desired = &wanted->second;
      add_interfaces(wanted->second.spec, desired_interfaces_);
      ++wanted;
    }
    entries_.push_back(std::move(entry));
  }
}

void Differ::decide() {
  for (Entry& entry : entries_) {
    if (entry.observed == nullptr) {
      entry.action = Action::create;
      if (const auto* file = std::get_if<resource::File>(&entry.desired->spec)) {
        const std::string place = place_on_host(desired_, file->node, file->path);
        entry.reason = place.empty() ? "" : "covers the host's " + place;
      }
    } else if (entry.desired == nullptr) {
      entry.action = entry.observed->ours ? Action::destroy : Action::keep;
    } else {
      decide_existing(entry);
    }
  }
}

void Differ::decide_existing(Entry& entry) {
  const auto found = resource::differences(entry.observed->spec, entry.desired->spec);
  if (found.empty()) {
    return;
  }
  const bool in_place =
      std::ranges::all_of(found, [](const auto& each) { return each.cost == Cost::nothing; });
  entry.action = in_place ? Action::change : Action::replace;
  entry.reason = to_string(found);
}

void Differ::restart() {
  for (const Entry& entry : entries_) {
    const bool cannot_be_undone = entry.observed != nullptr && (entry.action == Action::replace ||
                                                                entry.action == Action::destroy);
    const auto node = node_of(entry.spec());
    if (entry.id->kind == Kind::setup && cannot_be_undone && node) {
      const char* what = entry.desired == nullptr ? " is gone" : " has changed";
      (void)restart_node(*node, to_string(*entry.id) + what);
    }
    if (entry.id->kind == Kind::sysctl && node && entry.observed == nullptr &&
        lacks_interface(entry) && has_run_setup(*node)) {
      (void)restart_node(*node, to_string(*entry.id) + " is gone with what setup made");
    }
  }
}

// Whether it is of an interface that a setup line makes, and that is not there.
bool Differ::lacks_interface(const Entry& entry) const {
  const auto& sysctl = std::get<resource::Sysctl>(entry.desired->spec);
  const auto parts = split(sysctl.key, '.');  // "net.ipv4.conf.br0.rp_filter"
  constexpr std::size_t kInterface = 3;
  const bool waits = std::ranges::any_of(entry.desired->after,
                                         [](const Id& id) { return id.kind == Kind::setup; });
  if (!waits || parts.size() <= kInterface) {
    return false;
  }
  std::string interface(parts[kInterface]);
  std::ranges::replace(interface, '/', '.');
  const Entry* link = find(resource::interface_id(sysctl.node, interface), observed_interfaces_);
  return link == nullptr || link->observed == nullptr;
}

// Whether it goes on otherwise.
bool Differ::restart_node(const Id& id, std::string reason) {
  Entry* node = find(id);
  if (node == nullptr || node->observed == nullptr || node->desired == nullptr ||
      node->gone_with_container || node->action == Action::replace) {
    return false;
  }
  node->action = Action::replace;
  node->reason = std::move(reason);
  return true;
}

void Differ::spread() {
  // Containers have smaller ids than what they hold, but for nodes that share a
  // namespace of another node, and what a restart renews: those settle in a further round.
  find_who_has_run_setup();
  bool changed = true;
  while (changed) {
    changed = false;
    for (Entry& entry : entries_) {
      changed = spread_to(entry) || changed;
      if (entry.id->kind == Kind::node) {
        changed = renew_for(entry) || changed;
      } else if (entry.id->kind == Kind::veth) {
        changed = restart_for(entry) || changed;
      }
    }
  }
}

bool Differ::loses_files(const Entry& entry) const {
  const auto& before = std::get<resource::Node>(entry.observed->spec);
  const auto& after = std::get<resource::Node>(entry.desired->spec);
  constexpr auto own_tree = [](const resource::Node& node) {
    return node.root != "host" &&
           node.ns(resource::NsType::mnt).mode == resource::NsChoice::Mode::own;
  };
  if (!own_tree(before)) {
    return false;
  }
  const auto owner = [](const resource::Node& node) {
    const resource::NsChoice& user = node.ns(resource::NsType::user);
    return user.mode == resource::NsChoice::Mode::own ? node.name : user.of;
  };
  const Entry* ids = find({Kind::userns, owner(after)});
  return !after.keep || !own_tree(after) || before.root != after.root ||
         owner(before) != owner(after) || (ids != nullptr && ids->action == Action::replace);
}

void Differ::tell_losses() {
  for (Entry& entry : entries_) {
    if (entry.id->kind == Kind::node && entry.action == Action::replace && loses_files(entry)) {
      entry.reason += entry.reason.empty() ? "its files are lost" : "; its files are lost";
    }
  }
}

void Differ::replace_cut_routes() {
  for (Entry& entry : entries_) {
    if (entry.id->kind == Kind::route && entry.action == Action::change && loses_address(entry)) {
      entry.action = Action::replace;
    }
  }
}

bool Differ::loses_address(const Entry& entry) const {
  const auto& route = std::get<resource::Route>(entry.observed->spec);
  const Id first{Kind::address, route.netns + "/" + route.interface + "/"};
  for (auto each = lower_bound(first); each != entries_.end() && each->id->kind == Kind::address &&
                                       each->id->name.starts_with(first.name);
       ++each) {
    if (each->action == Action::destroy) {
      return true;
    }
  }
  return false;
}

bool Differ::spread_to(Entry& entry) {
  const bool beside_the_lab =
      entry.observed != nullptr && !entry.observed->ours && has_name_on_host(entry.id->kind);
  if (entry.observed == nullptr || entry.gone_with_container || beside_the_lab) {
    return false;
  }
  for (const Id& id : containers_of(entry.observed->spec)) {
    const Entry* container = find(id, observed_interfaces_);
    if (container == nullptr || !container->loses(entry)) {
      continue;
    }
    // A node is a process: its namespaces going does not end it, the lab going does.
    if (entry.id->kind == Kind::node && id != resource::kLabId) {
      if (entry.desired == nullptr || entry.action == Action::replace) {
        return false;
      }
      entry.action = Action::replace;
      entry.reason = container->renewed ? "it shares " + to_string(*container->id)
                                        : "it lives in " + to_string(*container->id);
      return true;
    }
    entry.gone_with_container = true;
    entry.action = entry.desired != nullptr ? Action::create : Action::keep;
    entry.reason = "goes with " + to_string(*container->id);
    return true;
  }
  return false;
}

void Differ::find_conflicts() {
  for (const Entry& entry : entries_) {
    if (entry.desired == nullptr) {
      continue;
    }
    if (entry.observed != nullptr && !entry.observed->ours && has_name_on_host(entry.id->kind)) {
      conflicts_.push_back(
          Error{.kind = ErrorKind::conflict,
                .message = (entry.id->kind == Kind::lab ? "what would be the lab's directory"
                                                        : to_string(*entry.id)) +
                           " exists on this host and nslab did not make it",
                .where = entry.desired->origin,
                .hint = "remove or rename it, or give the lab another name"});
    }
    if (entry.action != Action::create && entry.action != Action::replace) {
      continue;
    }
    for (const Id& interface : resource::interfaces_of(entry.desired->spec)) {
      const Entry* other = find({Kind::link, interface.name});
      if (other != nullptr && !other->goes()) {
        const std::size_t slash = interface.name.find('/');
        conflicts_.push_back(
            Error{.kind = ErrorKind::conflict,
                  .message = who(interface.name.substr(0, slash)) + " has an interface " +
                             quote(interface.name.substr(slash + 1)) + " that nslab did not make",
                  .where = entry.desired->origin,
                  .hint = "remove it, or give the interface another name"});
      }
    }
  }
}

Entry* Differ::find(const Id& id) {
  return const_cast<Entry*>(std::as_const(*this).find(id));
}

std::vector<Entry>::const_iterator Differ::lower_bound(const Id& id) const {
  const auto by_id = [](const Entry& entry, const Id& wanted) { return *entry.id < wanted; };
  return std::lower_bound(entries_.begin(), entries_.end(), id, by_id);
}

const Entry* Differ::find(const Id& id) const {
  const auto entry = lower_bound(id);
  return entry != entries_.end() && *entry->id == id ? &*entry : nullptr;
}

const Entry* Differ::find(const Id& id, const Interfaces& interfaces) const {
  if (id.kind != Kind::interface) {
    return find(id);
  }
  const auto provider = interfaces.find(id);
  return provider != interfaces.end() ? find(provider->second) : nullptr;
}

}  // namespace nslab::plan
