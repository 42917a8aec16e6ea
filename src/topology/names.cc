#include "topology/names.h"

#include <unordered_map>

#include "base/text.h"

namespace nslab::topology {
namespace {

using resource::NsChoice;
using resource::NsType;

constexpr std::size_t kMaxPortName = 15;  // IFNAMSIZ less its NUL

// The beginning of the full name, for people, and ten letters that tell it apart.
std::string shortened(const std::string& full) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz012345";
  std::string name = full.substr(0, 4) + '-';
  std::uint64_t hash = stable_hash(full);
  for (int i = 0; i < 10; ++i) {
    name += kLetters[hash % kLetters.size()];
    hash /= kLetters.size();
  }
  return name;
}

}  // namespace

std::string owner_of(const Node& node, NsType type) {
  const NsChoice& choice = node.ns(type);
  return choice.mode == NsChoice::Mode::own ? node.name : choice.of;
}

HostsFile::HostsFile(const Topology& topology) {
  std::unordered_map<std::string_view, int> taken;
  for (const Node& node : topology.nodes) {
    ++taken[node.name];
    taken[node.hostname()] += node.hostname() != node.name ? 1 : 0;
  }
  for (const Node& node : topology.nodes) {
    // The canonical name comes first: with a domain, the name without it follows.
    std::string& names = names_[node.name];
    const std::string_view full = node.hostname();
    const std::string_view first = full.substr(0, full.find('.'));
    names = ' ' + std::string(full);
    if (first != full && first != node.name && !taken.contains(first)) {
      names += ' ' + std::string(first);
    }
    if (node.name != full) {
      names += ' ' + node.name;
    }
    std::string& at_address = by_network_[owner_of(node, NsType::net)];
    at_address = node.owns(NsType::net) ? names + at_address : at_address + names;
  }
  for (const Node& node : topology.nodes) {
    for (const Interface& interface : node.interfaces) {
      for (const IpPrefix& address : interface.addresses) {
        addressed_.insert(node.name);
        lines_ += to_string(address.address) + by_network_[node.name] + '\n';
      }
    }
  }
}

std::string HostsFile::text() const {
  return "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" + lines_;
}

std::string HostsFile::own_text(const Node& node) const {
  const std::string named = owner_of(node, NsType::uts);
  const auto names = names_.find(named);
  const bool addressed = addressed_.contains(owner_of(node, NsType::net));
  if (names == names_.end() || (named == node.name && addressed) || addressed_.contains(named)) {
    return "";
  }
  return "127.0.0.1 localhost\n127.0.1.1" + names->second +
         "\n::1 localhost ip6-localhost ip6-loopback\n" + lines_;
}

PortNames::PortNames(const Topology& topology) {
  for (const Subnet& subnet : topology.subnets) {
    taken_.insert(subnet.name);
  }
}

std::string PortNames::add(const std::string& node, const std::string& interface) {
  const std::string full = node + '.' + interface;
  std::string name = full.size() <= kMaxPortName ? full : shortened(full);
  for (std::string salted = full; !taken_.insert(name).second; name = shortened(salted)) {
    salted += '\'';
  }
  return name;
}

}  // namespace nslab::topology
