// Names and numbers that a lab's objects get from the names in its file, the
// same in every run. Private to this module.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "topology/topology.h"

namespace nslab::topology {

// The node whose namespace a node is in; empty for the host's.
std::string owner_of(const Node& node, resource::NsType type);

// The names of nodes, as /etc/hosts has them: with each address the canonical names, by which
// its nodes know themselves, then others that they have.
class HostsFile {
 public:
  explicit HostsFile(const Topology& topology);

  // For all nodes: every address, under the names of all nodes that have it.
  [[nodiscard]] std::string text() const;

  // For a node whose own name has no address: the same, and that it is itself. Empty for
  // others. Nobody else is to take its name for this address.
  [[nodiscard]] std::string own_text(const Node& node) const;

 private:
  std::unordered_map<std::string, std::string> names_;       // by node
  std::unordered_map<std::string, std::string> by_network_;  // by the owner of the network
  std::unordered_set<std::string> addressed_;
  std::string lines_;
};

// The ports in the switch: web.eth0, or a short name made from it.
class PortNames {
 public:
  explicit PortNames(const Topology& topology);

  std::string add(const std::string& node, const std::string& interface);

 private:
  std::unordered_set<std::string> taken_;
};

}  // namespace nslab::topology
