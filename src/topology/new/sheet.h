// A lab file in the making. Private to this directory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace nslab::topology {

// The parts of the text, each with its lines so far.
struct Sheet {
  std::string title;  // a sentence: the description, and the head of the comment
  std::string notes;  // lines of the comment below it
  std::string defaults;
  std::string subnets;
  std::string nodes;
  std::string links;

  void note(std::string_view line);
  void subnet(const std::string& name, const std::string& value);
  // An empty value is a node with nothing but the defaults.
  void node(const std::string& name, const std::string& value);
  void link(const std::string& a, const std::string& b, const std::string& network);
};

// The addresses of a lab, counted from the first.
class Space {
 public:
  explicit Space(const IpPrefix& base) : base_(base) {}

  // An error unless there are so many; `what` needs them.
  [[nodiscard]] Result<void> hold(std::uint64_t count, const std::string& what) const;

  // "10.0.0.5"
  [[nodiscard]] std::string address(std::uint64_t offset) const;

  // "10.0.0.4/30": `bits` are those of the host part.
  [[nodiscard]] std::string network(std::uint64_t offset, unsigned bits) const;

 private:
  IpPrefix base_;  // IPv4
};

// A wish with its defaults filled in.
struct Plot {
  Space space;
  std::uint32_t nodes = 0;
  std::uint32_t fanout = 0;
  std::uint32_t leaves = 0;
  std::uint32_t spines = 0;
  std::uint32_t hosts = 0;  // of all leaves together
};

// Nodes joined by cables, each with a network of its own.
Result<Sheet> draw_line(const Plot& plot);
Result<Sheet> draw_ring(const Plot& plot);
Result<Sheet> draw_mesh(const Plot& plot);
// Nodes on subnets.
Result<Sheet> draw_star(const Plot& plot);
Result<Sheet> draw_tree(const Plot& plot);
Result<Sheet> draw_leaf_spine(const Plot& plot);

// "n7"
std::string numbered(std::string_view word, std::uint64_t number);

// The bits that tell `count` things apart.
unsigned bits_for(std::uint64_t count);

// "{to: default, via: 10.0.0.1}", with ", metric: 10" where it is not 0.
std::string route(const std::string& to, const std::string& via, std::uint32_t metric = 0);

Error too_large(const std::string& message, const std::string& hint = {});

}  // namespace nslab::topology
