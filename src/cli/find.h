// Which lab, and which node, the user means. A lab's identity is its name: a lab file
// stands for the lab of the name in it, as `up` reads it; only where that cannot be read
// does the record say which lab came from a file of that path.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace nslab::cli {

enum class Purpose : std::uint8_t {
  look,
  take_away,  // refuses a lab that came from another file of the same name
};

struct FoundLab {
  std::string name;
  std::optional<Error> absent{};  // why it is not here, where it is not
};

// The lab that `target` names: a lab's name, a lab file, "-" for one on standard input, or,
// when it is empty, the only lab on this host. An error where that is nobody's.
Result<FoundLab> find_lab(const std::string& target, Purpose purpose);

struct NodeName {
  std::string lab;
  std::string node;
};

// "NODE" of the only lab that has one of that name, "LAB/NODE", "FILE/NODE", or "LAB.NODE",
// which is what ip-netns(8) shows.
Result<NodeName> find_node(const std::string& target);

// What `target` names where a node can stand beside a lab: the node is empty for a lab.
struct Place {
  FoundLab lab;
  std::string node;
};

Result<Place> find_place(const std::string& target);

// The lab that a file of that path last brought up, if there is one.
std::optional<std::string> lab_of_file(const std::string& file);

// The nodes that a lab was last brought to have, sorted.
std::vector<std::string> nodes_of(const std::string& lab);

// Every lab that has left something on this host, sorted.
Result<std::vector<std::string>> labs_on_host();

// What to type for a lab file that is not where `target` says, if that can be told.
std::string file_hint(const std::string& target);

}  // namespace nslab::cli
