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

std::string hosts_file(const Topology& topology) {
  std::unordered_map<std::string, std::string> names;  // by the owner of the network
  for (const Node& node : topology.nodes) {
    std::string& text = names[owner_of(node, NsType::net)];
    text += ' ';
    text += node.name;
    if (node.hostname() != node.name) {
      text += ' ';
      text += node.hostname();
    }
  }
  std::string hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  for (const Node& node : topology.nodes) {
    for (const Interface& interface : node.interfaces) {
      for (const IpPrefix& address : interface.addresses) {
        hosts += to_string(address.address) + names[node.name] + '\n';
      }
    }
  }
  return hosts;
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

std::uint32_t UserIds::add(std::string_view node) {
  constexpr std::uint32_t kFirst = 1'000'000;
  constexpr std::uint32_t kRanges = 65'000;  // up to 4,260,840,000
  auto range = static_cast<std::uint32_t>(stable_hash(node) % kRanges);
  while (!taken_.insert(range).second) {
    range = (range + 1) % kRanges;
  }
  return kFirst + range * resource::UserNs{}.count;
}

}  // namespace nslab::topology
