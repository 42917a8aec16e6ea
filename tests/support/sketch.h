// Labs in few words, and the desired states that they stand for. What topology/
// makes of a lab file, without a lab file: for tests of what comes after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "resource/state.h"

namespace nslab::test {

struct SubnetSketch {
  std::string name;
  std::uint8_t number = 1;  // 10.NUMBER.0.0/24
  std::uint32_t mtu = 1500;
  bool gateway = false;  // its nodes have a default route by 10.NUMBER.0.254
};

struct NodeSketch {
  std::string name;
  std::uint8_t number = 1;           // 10.x.0.NUMBER
  std::vector<std::string> subnets;  // eth0, eth1, ... are on these
  std::vector<std::string> setup;
  std::vector<std::string> services;  // each waits for those before it
  std::vector<std::string> after;     // nodes whose services are ready first
  std::string net_of;                 // shares this node's network namespace
  bool own_user = false;
  bool forwards = false;
  std::string hostname;  // the node's name where empty
  std::string motd;      // /etc/motd, where not empty
  std::uint64_t tmpfs = 0;
  std::uint64_t memory = 0;  // a limit, where not 0
};

// A cable between "web:l1" and "db:l1", 172.16.NUMBER.1/30 and .2/30 at its ends.
struct LinkSketch {
  std::string a;
  std::string b;
  std::uint8_t number = 1;
  std::uint32_t mtu = 1500;
};

struct LabSketch {
  std::vector<SubnetSketch> subnets;
  std::vector<NodeSketch> nodes;
  std::vector<LinkSketch> links;
};

// The lab is called "lab"; the origin of its n-th object is line n of lab.yaml.
resource::DesiredState desired_state(const LabSketch& sketch);

// The same lab without any resources: what `down` asks for.
resource::DesiredState nothing();

// Two subnets and three nodes, with one object of every kind at least.
LabSketch webdb();

}  // namespace nslab::test
