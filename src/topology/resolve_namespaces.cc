#include <algorithm>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

using resource::kHostNs;
using resource::kNsTypeNames;
using resource::NsChoice;
using resource::NsType;

constexpr std::size_t kTypes = kNsTypeNames.size();

NsChoice choice_of(const Node& node, NsType type) {
  const bool usual = type != NsType::time && type != NsType::user;
  return node.keys.namespaces.or_empty().of(type).value_or(usual ? NsChoice{} : kHostNs);
}

std::string title(NsType type) {
  constexpr std::array<std::string_view, kTypes> kTitles{
      "cgroup", "IPC", "network", "mount", "PID", "time", "user", "UTS"};
  return std::string(kTitles[static_cast<std::size_t>(type)]) + " namespace";
}

class Sharing {
 public:
  explicit Sharing(Draft& draft)
      : draft_(draft), nodes_(draft.topology.nodes), circular_(nodes_.size()) {}

  void run() {
    for (std::size_t i = 0; i < kTypes; ++i) {
      check_names(static_cast<NsType>(i));
    }
    // The network and user namespaces of a node stand before its processes; the
    // others begin with them, so that these circles are of all kinds together.
    refuse_circles({NsType::net});
    refuse_circles({NsType::user});
    refuse_circles(
        {NsType::cgroup, NsType::ipc, NsType::mnt, NsType::pid, NsType::time, NsType::uts});
    for (std::size_t i = 0; i < kTypes; ++i) {
      follow_all(static_cast<NsType>(i));
    }
    for (const Node& node : nodes_) {
      check_user(node);
      check_private_user(node);
      check_consequences(node);
    }
  }

 private:
  const Setting<Scalar<Namespace>>& key_of(const Node& node, NsType type) const {
    return node.keys.namespaces.or_empty().of(type);
  }

  // The node that a choice names; nothing for others, and for one that is not there.
  std::optional<std::size_t> target(const Node& node, NsType type) const {
    const NsChoice choice = choice_of(node, type);
    const auto found = draft_.nodes.find(choice.of);
    if (choice.mode != NsChoice::Mode::node || found == draft_.nodes.end()) {
      return std::nullopt;
    }
    return found->second;
  }

  void check_names(NsType type) {
    for (const Node& node : nodes_) {
      const auto& key = key_of(node, type);
      if (key && key->mode == NsChoice::Mode::node && !target(node, type)) {
        draft_.problems.semantic(key.where,
                                 "there is no node " + quote(key->of),
                                 did_you_mean(draft_.problems, key->of, draft_.nodes));
      }
    }
  }

  void refuse_circles(std::initializer_list<NsType> types) {
    std::vector<std::vector<std::size_t>> successors(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const NsType type : types) {
        if (const auto next = target(nodes_[i], type)) {
          successors[i].push_back(*next);
        }
      }
    }
    for (const auto& cycle : find_cycles(successors)) {
      std::string path;
      for (const std::size_t each : cycle) {
        circular_[each] = true;
        path += nodes_[each].name + " -> ";
      }
      const Node& first = nodes_[cycle.front()];
      const auto type = std::ranges::find_if(types, [&](NsType each) {
        return target(first, each) == std::optional(cycle[1 % cycle.size()]);
      });
      draft_.problems.semantic(key_of(first, *type).where,
                               "nodes share namespaces in a circle: " + path + first.name,
                               "one of them has to have its own");
    }
  }

  // Settles where the namespaces of one type come from: each node that is followed
  // on the way is settled with those that follow it, so that a long row is walked once.
  void follow_all(NsType type) {
    const auto next = [&](std::size_t node) {
      const auto named = target(nodes_[node], type);
      return named && circular_[*named] ? std::nullopt : named;
    };
    std::vector<bool> settled(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      std::vector<std::size_t> way;
      for (std::optional<std::size_t> at = i; at && !settled[*at]; at = next(*at)) {
        way.push_back(*at);
        settled[*at] = true;
      }
      for (; !way.empty(); way.pop_back()) {
        const std::size_t last = way.back();
        const auto owner = next(last);
        place(last, type) = owner ? shared_with(*owner, type) : choice_of(nodes_[last], type);
      }
    }
  }

  NsChoice& place(std::size_t node, NsType type) {
    return nodes_[node].namespaces[static_cast<std::size_t>(type)];
  }

  // What a node that names `owner` has, where that one is settled.
  NsChoice shared_with(std::size_t owner, NsType type) {
    const NsChoice& its = place(owner, type);
    return its.mode == NsChoice::Mode::own
               ? NsChoice{.mode = NsChoice::Mode::node, .of = nodes_[owner].name}
               : its;
  }

  // The node whose user namespace a node is in; empty for the host's.
  static std::string_view user_of(const Node& node) {
    const NsChoice& choice = node.ns(NsType::user);
    return choice.mode == NsChoice::Mode::own    ? std::string_view(node.name)
           : choice.mode == NsChoice::Mode::node ? std::string_view(choice.of)
                                                 : std::string_view();
  }

  // Root of a user namespace may not enter what belongs to another.
  void check_user(const Node& node) {
    const std::string_view user = user_of(node);
    for (std::size_t i = 0; i < kTypes && !user.empty(); ++i) {
      const auto type = static_cast<NsType>(i);
      const auto owner = target(node, type);
      if (type == NsType::user || !owner || user_of(nodes_[*owner]) == user) {
        continue;
      }
      draft_.problems.semantic(key_of(node, type).where,
                               "node " + quote(node.name) + " is in another user namespace than " +
                                   quote(nodes_[*owner].name) + " and cannot enter its " +
                                   title(type),
                               "let one of the two share the user namespace of the other");
    }
  }

  // What only root of the host can mount, or shows no owner that the node knows.
  void check_private_user(const Node& node) {
    if (user_of(node).empty() || !node.owns(NsType::mnt)) {
      return;
    }
    const bool whole = node.keys.root && *node.keys.root == "host";
    for (const NsType type : {NsType::cgroup, NsType::ipc}) {
      if (node.ns(type).mode == NsChoice::Mode::host && !(whole && type == NsType::ipc)) {
        draft_.problems.semantic(key_of(node, type).where,
                                 "node " + quote(node.name) +
                                     " has a user namespace and cannot show the host's " +
                                     title(type),
                                 "take this out, or write 'user: host'");
      }
    }
    if (whole) {
      draft_.problems.semantic(node.keys.root.where,
                               "node " + quote(node.name) +
                                   " has a user namespace, and the host's root has no files of "
                                   "its users",
                               "take this out, or write 'user: host'");
    }
  }

  template <typename G>
  void refuse_key(const Node& node, const Setting<G>& key, NsType type, std::string_view what) {
    if (key.given() && !node.owns(type)) {
      refuse_beside(node, key.key, type, what);
    }
  }

  void refuse_beside(const Node& node, Mark where, NsType type, std::string_view what) {
    const NsChoice& choice = node.ns(type);
    const std::string whose =
        choice.mode == NsChoice::Mode::host ? "of the host" : "of node " + quote(choice.of);
    draft_.problems.semantic(
        where,
        "node " + quote(node.name) + " shares the " + title(type) + " " + whose + " and has no " +
            std::string(what) + " of its own",
        choice.mode == NsChoice::Mode::node ? "say it of node " + quote(choice.of) : "");
  }

  // What cannot be said of a node, because it belongs to a namespace that the
  // node only shares.
  void check_consequences(const Node& node) {
    const NodeKeys& keys = node.keys;
    refuse_key(node, keys.interfaces, NsType::net, "interfaces");
    refuse_key(node, keys.routes, NsType::net, "routes");
    refuse_key(node, keys.hostname, NsType::uts, "host name");
    refuse_key(node, keys.root, NsType::mnt, "root");
    refuse_key(node, keys.files, NsType::mnt, "files");
    refuse_key(node, keys.directories, NsType::mnt, "directories");
    refuse_key(node, keys.mounts, NsType::mnt, "mounts");
    refuse_key(node, keys.clock, NsType::time, "clock");
    if (node.is_router()) {
      refuse_key(node, keys.role, NsType::net, "forwarding");
    }
    for (const Interface& interface : node.interfaces) {
      if (std::holds_alternative<EndOfLink>(interface.medium) && !node.owns(NsType::net)) {
        refuse_beside(node, interface.where, NsType::net, "interfaces");
      }
    }
    for (const auto& sysctl : keys.sysctls.or_empty()) {
      const NsType type = sysctl.name.starts_with("net.") ? NsType::net : NsType::ipc;
      if (!node.owns(type)) {
        refuse_beside(node, sysctl.where, type, "sysctl " + quote(sysctl.name));
      }
    }
  }

  Draft& draft_;
  std::vector<Node>& nodes_;
  std::vector<bool> circular_;
};

}  // namespace

void resolve_namespaces(Draft& draft) {
  Sharing(draft).run();
}

}  // namespace nslab::topology
