// Names and numbers that a lab's objects get from the names in its file, the
// same in every run. Private to this module.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "topology/topology.h"

namespace nslab::topology {

// The node whose namespace a node is in; empty for the host's.
std::string owner_of(const Node& node, resource::NsType type);

// The text of /etc/hosts: every address, under the names of all nodes that have it.
std::string hosts_file(const Topology& topology);

// The ports in the switch: web.eth0, or a short name made from it.
class PortNames {
 public:
  explicit PortNames(const Topology& topology);

  std::string add(const std::string& node, const std::string& interface);

 private:
  std::unordered_set<std::string> taken_;
};

// Ranges of user ids outside, one per user namespace. Made from the name, so that
// a node keeps its own when others come and go.
class UserIds {
 public:
  // The first of the range.
  std::uint32_t add(std::string_view node);

 private:
  std::unordered_set<std::uint32_t> taken_;
};

}  // namespace nslab::topology
