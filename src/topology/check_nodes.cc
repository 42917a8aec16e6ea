// Start order, and what concerns one node alone.
#include <algorithm>
#include <unordered_set>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

// "web -> db -> web"
template <typename NameAt>
std::string cycle_text(const std::vector<std::size_t>& cycle, NameAt&& name_at) {
  std::string text;
  for (const std::size_t each : cycle) {
    text += std::string(name_at(each)) + " -> ";
  }
  return text + std::string(name_at(cycle.front()));
}

void check_node_order(const Draft& draft) {
  const auto& nodes = draft.topology.nodes;
  std::vector<std::vector<std::size_t>> successors(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const auto& after : nodes[i].keys.after.or_empty()) {
      const auto found = draft.nodes.find(after.name);
      if (found == draft.nodes.end()) {
        draft.problems.semantic(after.where,
                                "there is no node " + quote(after.name),
                                did_you_mean(draft.problems, after.name, draft.nodes));
      } else {
        successors[i].push_back(found->second);
      }
    }
  }
  for (const auto& cycle : find_cycles(successors)) {
    const std::string_view next = nodes[cycle[1 % cycle.size()]].name;
    const auto& after = nodes[cycle.front()].keys.after.or_empty();
    const auto entry = std::ranges::find(after, next, &Named<Milestone>::name);
    draft.problems.semantic(
        entry->where,
        "nodes wait for each other: " +
            cycle_text(cycle, [&](std::size_t i) -> const std::string& { return nodes[i].name; }),
        "take one of these out of 'after'");
  }
}

// Every command of a node waits for every command of the nodes in its `after`.
void check_waits(const Draft& draft) {
  constexpr std::size_t kMaxWaits = 1'000'000;
  const auto commands = [](const Node& node) {
    return node.keys.setup.or_empty().size() + node.keys.services.or_empty().size();
  };
  std::size_t waits = 0;
  for (const Node& node : draft.topology.nodes) {
    for (const auto& after : node.keys.after.or_empty()) {
      const auto other = draft.nodes.find(after.name);
      if (other != draft.nodes.end()) {
        waits += commands(node) * commands(draft.topology.nodes[other->second]);
      }
    }
    if (waits > kMaxWaits) {
      draft.problems.semantic(node.keys.after.key,
                              "the services up to here wait for each other in more than " +
                                  std::to_string(kMaxWaits) + " pairs",
                              "wait for fewer nodes, or for nodes with fewer services");
      return;
    }
  }
}

void check_service_order(const Draft& draft, const Node& node) {
  const auto& services = node.keys.services.or_empty();
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < services.size(); ++i) {
    places.emplace(services[i].name, i);
  }
  std::vector<std::vector<std::size_t>> successors(services.size());
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const auto& after : services[i].value.after.or_empty()) {
      const auto found = places.find(after.value);
      if (found == places.end()) {
        draft.problems.semantic(
            after.where,
            "node " + quote(node.name) + " has no service " + quote(after.value),
            draft.nodes.contains(after.value) ? "to wait for a node, use 'after' of the node"
                                              : did_you_mean(draft.problems, after.value, places));
      } else {
        successors[i].push_back(found->second);
      }
    }
  }
  for (const auto& cycle : find_cycles(successors)) {
    draft.problems.semantic(
        services[cycle.front()].value.after.where,
        "services wait for each other: " +
            cycle_text(cycle,
                       [&](std::size_t i) -> const std::string& { return services[i].name; }),
        "take one of these out of 'after'");
  }
}

void check_commands(const Draft& draft, const Node& node) {
  for (const auto& service : node.keys.services.or_empty()) {
    if (service.name == "setup" || service.name == "syslog") {
      draft.problems.semantic(service.where,
                              quote(service.name) + " cannot be the name of a service",
                              "'nslab logs' calls another log of the node so");
    }
    if (!service.value.command.given()) {
      draft.problems.semantic(
          service.where,
          "service " + quote(service.name) + " of node " + quote(node.name) + " has no command",
          "such as command: [httpd, -f]");
    }
    if (service.value.once.value_or(false) &&
        (service.value.ready.given() || service.value.restart.given())) {
      draft.problems.semantic(service.value.once.key,
                              "service " + quote(service.name) + " of node " + quote(node.name) +
                                  " is a job: 'once' excludes 'ready' and 'restart'",
                              "what comes after it waits for its end");
    }
  }
}

// What a text takes of a packet to a node's init, which has it as it is and within JSON.
std::size_t told_size(std::string_view text) {
  std::size_t size = 0;
  for (const char each : text) {
    const bool control = static_cast<unsigned char>(each) < 0x20;
    size += control ? 7 : each == '"' || each == '\\' ? 3 : 2;
  }
  return size;
}

std::size_t told_size(const Environment::Type& variables) {
  std::size_t size = 0;
  for (const auto& variable : variables) {
    size += told_size(variable.name) + told_size(variable.value);
  }
  return size;
}

std::size_t told_size(const std::vector<std::string>& words) {
  std::size_t size = 0;
  for (const std::string& word : words) {
    size += told_size(word);
  }
  return size;
}

// What goes with a command to the node that runs it. Far below what execve(2) takes.
void check_sizes(const Draft& draft, const Node& node) {
  constexpr std::size_t kMostAtOnce = 160 * 1024;
  const std::size_t environment = told_size(node.keys.environment.or_empty());
  const auto refuse = [&](const Mark& where, const std::string& what) {
    draft.problems.semantic(where,
                            what + " of node " + quote(node.name) +
                                " is too long: 80K of text at most, less with control characters",
                            "put it into one of the node's 'files', and read it there");
  };
  if (environment > kMostAtOnce) {
    refuse(node.keys.environment.key, "'environment'");
    return;
  }
  for (const auto& command : node.keys.setup.or_empty()) {
    if (environment + told_size(command.value) > kMostAtOnce) {
      refuse(command.where, "a setup command with the environment");
    }
  }
  for (const auto& service : node.keys.services.or_empty()) {
    const ServiceKeys& keys = service.value;
    if (environment + told_size(keys.environment.or_empty()) + told_size(keys.command.or_empty()) +
            told_size(keys.ready.or_empty().exec.or_empty()) >
        kMostAtOnce) {
      refuse(service.where, "service " + quote(service.name) + " with the environment");
    }
  }
}

void check_limits(const Draft& draft, const LimitKeys& limits) {
  if (limits.swap && !limits.memory.value_or({})) {
    draft.problems.semantic(
        limits.swap.key, "a limit of swap needs one of memory", "add memory, such as memory: 128M");
  }
}

bool below(std::string_view path, std::string_view top) {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

// Nothing can be in what is itself a file.
void refuse_below_files(const Draft& draft,
                        const std::unordered_set<std::string_view>& files,
                        const auto& entries,
                        std::string_view what) {
  for (const auto& entry : entries) {
    std::string_view above = entry.name;
    while (above.rfind('/') != 0 && above.rfind('/') != std::string_view::npos) {
      above = above.substr(0, above.rfind('/'));
      if (files.contains(above)) {
        draft.problems.semantic(entry.where,
                                std::string(what) + " " + quote(entry.name) + " would be in " +
                                    quote(above) + ", which is a file");
      }
    }
  }
}

// What stands in a root of its own cannot be limited where the node has none.
void check_root_limits(const Draft& draft, const Node& node) {
  if (node.has_own_root()) {
    return;
  }
  const LimitKeys& limits = node.keys.limits.or_empty();
  const auto refuse = [&](const auto& key, std::string_view what) {
    if (key.given() && key.value_or({})) {
      draft.problems.semantic(
          key.key,
          "node " + quote(node.name) + " has no " + std::string(what) + " of its own to limit",
          "write 'none' there");
    }
  };
  refuse(limits.ptys, "terminals");
  refuse(limits.tmp, "/tmp");
  refuse(limits.run, "/run");
  refuse(limits.shm, "/dev/shm");
}

void check_paths(const Draft& draft, const Node& node) {
  std::unordered_set<std::string_view> files;
  for (const auto& file : node.keys.files.or_empty()) {
    files.insert(file.name);
  }
  for (const auto& directory : node.keys.directories.or_empty()) {
    if (files.contains(directory.name)) {
      draft.problems.semantic(directory.where,
                              quote(directory.name) + " is both a file and a directory");
    }
    if (node.keys.root && *node.keys.root == "host") {
      draft.problems.semantic(
          directory.where,
          "a directory of node " + quote(node.name) + " would be made on the host",
          "with 'root: host' the node has no tree of its own");
    }
  }
  for (const auto& mount : node.keys.mounts.or_empty()) {
    const MountKeys& keys = mount.value;
    for (const auto* key : {&keys.mode.key, &keys.owner.key}) {
      const bool given = key == &keys.mode.key ? keys.mode.given() : keys.owner.given();
      if (given && keys.bind.given()) {
        draft.problems.semantic(*key,
                                "'mode' and 'owner' are for a tmpfs",
                                "what is bound has those that it has on the host");
      }
    }
  }
  refuse_below_files(draft, files, node.keys.directories.or_empty(), "directory");
  refuse_below_files(draft, files, node.keys.files.or_empty(), "file");
  refuse_below_files(draft, files, node.keys.mounts.or_empty(), "mount");
  std::unordered_set<std::string_view> mounts;
  for (const auto& mount : node.keys.mounts.or_empty()) {
    mounts.insert(mount.name);
    const auto& bind = mount.value.bind;
    if (bind && host_path(draft.topology, *bind).empty()) {
      draft.problems.semantic(bind.where,
                              "it is not known where " + quote(*bind) + " begins",
                              "write the absolute path");
    }
  }
  const bool hosts_tree = node.keys.root && *node.keys.root == "host";
  for (const auto& file : node.keys.files.or_empty()) {
    if (below(file.name, "/proc") || below(file.name, "/sys") || below(file.name, "/dev")) {
      draft.problems.semantic(file.where,
                              "no file can be made at " + quote(file.name),
                              "kernel parameters are set with 'sysctls'");
    } else if (file.name == "/run" || file.name == "/tmp") {
      draft.problems.semantic(
          file.where, quote(file.name) + " is a directory of every node, and cannot be a file");
    } else if (mounts.contains(file.name)) {
      draft.problems.semantic(file.where, quote(file.name) + " is both a file and a mount");
    } else if (hosts_tree) {
      draft.problems.semantic(
          file.where,
          "a file of node " + quote(node.name) + " would be written to the host",
          "with 'root: host' the node has no tree of its own");
    }
  }
}

// A name of /etc/hosts leads to one node.
class HostNames {
 public:
  explicit HostNames(const Draft& draft) : draft_(draft) {
    for (const Node& node : draft.topology.nodes) {
      owners_.emplace(node.name, &node);
    }
  }

  void add(const Node& node) {
    const auto [owner, fresh] = owners_.emplace(node.hostname(), &node);
    if (!fresh && owner->second != &node) {
      draft_.problems.semantic(node.keys.hostname.where,
                               "host name " + quote(node.hostname()) + " is also that of node " +
                                   quote(owner->second->name),
                               "names have to resolve to one node");
    }
  }

 private:
  const Draft& draft_;
  std::unordered_map<std::string_view, const Node*> owners_;
};

}  // namespace

void check_order(const Draft& draft) {
  check_node_order(draft);
  check_waits(draft);
  for (const Node& node : draft.topology.nodes) {
    check_service_order(draft, node);
  }
}

void check_nodes(const Draft& draft) {
  HostNames names(draft);
  for (const Node& node : draft.topology.nodes) {
    names.add(node);
    check_commands(draft, node);
    check_sizes(draft, node);
    check_limits(draft, node.keys.limits.or_empty());
    check_root_limits(draft, node);
    check_paths(draft, node);
    const auto& root = node.keys.root;
    if (root && root->starts_with('.') && host_path(draft.topology, *root).empty()) {
      draft.problems.semantic(root.where,
                              "it is not known where " + quote(*root) + " begins",
                              "write the absolute path");
    }
  }
}

}  // namespace nslab::topology
