#include "property/labs.h"

#include <algorithm>

namespace nslab::test {
namespace {

bool chance(std::mt19937& random, unsigned one_in) {
  return random() % one_in == 0;
}

void drop_cables_of(LabSketch& lab, const std::string& node) {
  std::erase_if(lab.links, [&](const LinkSketch& link) {
    return link.a.starts_with(node + ":") || link.b.starts_with(node + ":");
  });
}

// What has no interfaces of its own has no cables, and no sysctls of net.
void share_network(LabSketch& lab, NodeSketch& node, const std::string& of) {
  node.net_of = of;
  node.subnets.clear();
  node.own_user = false;
  node.forwards = false;
  drop_cables_of(lab, node.name);
}

NodeSketch random_node(const LabSketch& lab, std::uint8_t number, std::mt19937& random) {
  NodeSketch node{.name = std::string(1, static_cast<char>('a' + number)), .number = number};
  for (const SubnetSketch& subnet : lab.subnets) {
    if (chance(random, 2)) {
      node.subnets.push_back(subnet.name);
    }
  }
  for (auto i = random() % 3; i > 0; --i) {
    node.services.push_back("s" + std::to_string(i));
  }
  for (auto i = random() % 3; i > 0; --i) {
    node.setup.push_back("echo " + std::to_string(i));
  }
  node.own_user = chance(random, 4);
  node.forwards = chance(random, 4);
  node.motd = chance(random, 3) ? "hello\n" : "";
  node.tmpfs = chance(random, 4) ? 4096 : 0;
  node.memory = chance(random, 4) ? 1U << 27U : 0;
  return node;
}

void add_random_cable(LabSketch& lab, std::uint8_t number, std::mt19937& random) {
  const auto end = [&] {
    const NodeSketch& node = lab.nodes[random() % lab.nodes.size()];
    return node.net_of.empty() ? node.name + ":l" + std::to_string(random() % 3) : "";
  };
  const LinkSketch link{.a = end(), .b = end(), .number = number};
  const auto taken = [&](const std::string& interface) {
    return interface.empty() || std::ranges::any_of(lab.links, [&](const LinkSketch& other) {
             return other.a == interface || other.b == interface;
           });
  };
  if (!taken(link.a) && !taken(link.b) && link.a != link.b) {
    lab.links.push_back(link);
  }
}

}  // namespace

std::vector<LabSketch> small_labs() {
  std::vector<LabSketch> labs;
  constexpr unsigned kChoices = 1U << 6U;
  for (std::uint8_t nodes = 1; nodes <= 3; ++nodes) {
    for (unsigned choices = 0; choices < kChoices; ++choices) {
      const auto chosen = [&](unsigned bit) { return (choices >> bit & 1U) != 0; };
      if ((chosen(1) && nodes < 2) || (chosen(5) && nodes < 3)) {
        continue;  // the same lab as without that choice
      }
      LabSketch lab;
      for (std::uint8_t i = 1; i <= nodes; ++i) {
        lab.nodes.push_back({.name = "n" + std::to_string(i), .number = i});
      }
      NodeSketch& first = lab.nodes.front();
      NodeSketch& last = lab.nodes.back();
      if (chosen(0)) {
        lab.subnets.push_back({.name = "net", .gateway = true});
        for (NodeSketch& node : lab.nodes) {
          node.subnets = {"net"};
        }
      }
      if (chosen(1)) {
        lab.links.push_back({.a = "n1:l1", .b = "n2:l1"});
      }
      last.services = chosen(2) ? std::vector<std::string>{"one", "two"} : last.services;
      first.setup = chosen(3) ? std::vector<std::string>{"true"} : first.setup;
      first.after = chosen(3) && nodes > 1 ? std::vector{last.name} : first.after;
      first.own_user = chosen(4);
      if (chosen(5)) {
        share_network(lab, last, "n1");
      }
      labs.push_back(std::move(lab));
    }
  }
  return labs;
}

LabSketch random_lab(std::mt19937& random) {
  LabSketch lab;
  for (std::uint8_t i = static_cast<std::uint8_t>(random() % 3); i > 0; --i) {
    lab.subnets.push_back({.name = "net" + std::to_string(i),
                           .number = i,
                           .mtu = chance(random, 3) ? 9000U : 1500U,
                           .gateway = chance(random, 2)});
  }
  const auto nodes = static_cast<std::uint8_t>(1 + random() % 6);
  for (std::uint8_t number = 1; number <= nodes; ++number) {
    NodeSketch node = random_node(lab, number, random);
    if (number > 1 && chance(random, 2)) {
      node.after = {lab.nodes[random() % lab.nodes.size()].name};
    }
    if (number > 1 && chance(random, 5) && lab.nodes.front().net_of.empty()) {
      share_network(lab, node, lab.nodes.front().name);
    }
    lab.nodes.push_back(std::move(node));
  }
  for (std::uint8_t number = 1; number <= nodes; ++number) {
    add_random_cable(lab, number, random);
  }
  return lab;
}

LabSketch mutated(LabSketch lab, std::mt19937& random) {
  for (auto edits = 1 + random() % 3; edits > 0; --edits) {
    NodeSketch& node = lab.nodes[random() % lab.nodes.size()];
    switch (random() % 10) {
      case 0:
        node.hostname += "x";
        break;
      case 1:
        node.memory += 4096;
        break;
      case 2:
        node.motd += "more\n";
        break;
      case 3:
        node.services.push_back("new" + std::to_string(edits));
        break;
      case 4:
        node.setup.insert(node.setup.begin(), "first");
        break;
      case 5:
        node.tmpfs += 4096;
        break;
      case 6:
        node.own_user = node.net_of.empty() && !node.own_user;
        break;
      case 7:
        if (!lab.links.empty()) {
          // Cables that change their ends: the free names are found afterwards.
          LinkSketch& one = lab.links[random() % lab.links.size()];
          LinkSketch& other = lab.links[random() % lab.links.size()];
          std::swap(one.b, other.b);
        }
        break;
      case 8:
        if (!lab.subnets.empty()) {
          SubnetSketch& subnet = lab.subnets[random() % lab.subnets.size()];
          subnet.number = static_cast<std::uint8_t>(subnet.number + 50);
          subnet.mtu = 1400;
        }
        break;
      default:
        add_random_cable(lab, static_cast<std::uint8_t>(100 + edits), random);
        break;
    }
  }
  return lab;
}

LabSketch shuffled(LabSketch lab, std::mt19937& random) {
  std::ranges::shuffle(lab.nodes, random);
  std::ranges::shuffle(lab.subnets, random);
  std::ranges::shuffle(lab.links, random);
  return lab;
}

std::string describe(const LabSketch& lab) {
  std::string text;
  for (const auto& [id, desired] : desired_state(lab).resources) {
    text += "  " + to_string(id) + "\n";
  }
  return text;
}

}  // namespace nslab::test
