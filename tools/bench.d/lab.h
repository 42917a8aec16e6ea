// What the floor makes, as tools/bench writes it from the plan of a lab: a line per
// object. Names of nodes and bridges have no spaces.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace bench {

struct Node {
  std::string name;
  int interfaces = 0;  // their indices are 2, 3 and so on
  bool forwards = false;
};

struct Interface {
  std::size_t node = 0;
  int index = 0;
  std::string name;
  std::string mac;
};

// Between two interfaces, or from one to a bridge.
struct Cable {
  Interface a;
  Interface b;  // of no node where there is a bridge
  std::string bridge;
};

struct Address {
  std::size_t node = 0;
  int index = 0;
  std::uint32_t address = 0;  // network order
  std::uint8_t length = 0;
};

struct Route {
  std::size_t node = 0;
  std::uint32_t to = 0;  // network order, as `via`
  std::uint8_t length = 0;
  std::uint32_t via = 0;
  std::uint32_t metric = 0;
};

struct Lab {
  std::vector<Node> nodes;
  std::vector<std::string> bridges;
  std::vector<Cable> cables;
  std::vector<std::vector<Address>> addresses;  // by node
  std::vector<std::vector<Route>> routes;
  std::vector<std::vector<int>> interfaces;
  std::string hosts;  // the text of /etc/hosts

  static Lab read(const std::string& path);
};

}  // namespace bench
