// Lab files that nslab writes: each is read back, counted, and its routes are followed.
#include "topology/new/new_lab.h"

#include <algorithm>
#include <map>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "report/diagnostics.h"
#include "resource/network.h"
#include "topology/load.h"

namespace nslab::topology {
namespace {

std::string text_of(const NewLab& wish) {
  const auto text = new_lab(wish);
  INFO((text ? "" : text.error().message));
  REQUIRE(text.has_value());
  return *text;
}

LoadedLab loaded(const NewLab& wish) {
  const std::string text = text_of(wish);
  Diagnostics diagnostics;
  auto lab = load_lab(text, "lab.yaml", "lab", diagnostics, "/labs");
  INFO(report::render(diagnostics, text));
  REQUIRE(lab.has_value());
  return *std::move(lab);
}

std::string refusal(const NewLab& wish) {
  const auto text = new_lab(wish);
  REQUIRE_FALSE(text.has_value());
  CHECK(text.error().kind == ErrorKind::usage);
  return text.error().message;
}

std::size_t count(const LoadedLab& lab, resource::Kind kind) {
  return static_cast<std::size_t>(std::ranges::count_if(
      lab.desired.resources, [&](const auto& entry) { return entry.first.kind == kind; }));
}

std::size_t routers(const LoadedLab& lab) {
  return static_cast<std::size_t>(
      std::ranges::count_if(lab.topology.nodes, [](const Node& node) { return node.is_router(); }));
}

// Follows routes from node to node, as packets would.
class Walk {
 public:
  explicit Walk(const LoadedLab& lab) : nodes_(lab.topology.nodes) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const Interface& interface : nodes_[i].interfaces) {
        for (const IpPrefix& address : interface.addresses) {
          CHECK(owners_.emplace(address.address, i).second);  // nobody else's
        }
      }
    }
  }

  // Every address of node `to`, from node `from`, by so many routers at the most.
  [[nodiscard]] bool reaches(std::size_t from, std::size_t to, int most = 63) const {
    return std::ranges::all_of(nodes_[to].interfaces, [&](const Interface& interface) {
      return arrives(from, to, interface.addresses.front().address, most);
    });
  }

  // Some address of `to`, with no router between.
  [[nodiscard]] bool touches(std::size_t from, std::size_t to) const {
    return std::ranges::any_of(nodes_[to].interfaces, [&](const Interface& interface) {
      return arrives(from, to, interface.addresses.front().address, 0);
    });
  }

  // The first address of `to`: where its name leads.
  [[nodiscard]] bool calls(std::size_t from, std::size_t to) const {
    return arrives(from, to, nodes_[to].interfaces.front().addresses.front().address, 63);
  }

 private:
  [[nodiscard]] bool arrives(std::size_t from,
                             std::size_t to,
                             const IpAddress& address,
                             int most) const {
    for (std::size_t at = from; at != to; --most) {
      if (most < 0 || (at != from && !nodes_[at].is_router())) {
        return false;
      }
      const auto next = owners_.find(hop(nodes_[at], address));
      if (next == owners_.end() || next->second == at) {
        return false;
      }
      at = next->second;
    }
    return true;
  }

  // Of the routes with the longest prefix, the one with the lowest metric.
  static IpAddress hop(const Node& node, const IpAddress& to) {
    for (const Interface& interface : node.interfaces) {
      if (interface.addresses.front().contains(to)) {
        return to;
      }
    }
    const Route* best = nullptr;
    for (const Route& route : node.routes) {
      const bool better = best == nullptr || route.to.length > best->to.length ||
                          (route.to.length == best->to.length && route.metric < best->metric);
      if (route.to.contains(to) && better) {
        best = &route;
      }
    }
    return best != nullptr ? best->via.value_or(IpAddress()) : IpAddress();
  }

  const std::vector<Node>& nodes_;
  std::map<IpAddress, std::size_t> owners_;
};

void check_all_reach_all(const NewLab& wish) {
  const LoadedLab lab = loaded(wish);
  INFO(wish.shape << " of " << lab.topology.nodes.size());
  const Walk walk(lab);
  for (std::size_t from = 0; from < lab.topology.nodes.size(); ++from) {
    for (std::size_t to = 0; to < lab.topology.nodes.size(); ++to) {
      if (!walk.reaches(from, to)) {
        FAIL_CHECK(lab.topology.nodes[from].name << " does not reach "
                                                 << lab.topology.nodes[to].name);
      }
    }
  }
}

}  // namespace

TEST_CASE("new: every shape is a valid lab of as many nodes as wished, at every size") {
  for (const std::string_view shape : kLabShapes) {
    for (const std::uint32_t nodes : {1U, 2U, 3U, 10U, 100U, 1000U}) {
      if (shape == "mesh" && nodes > 65) {
        continue;
      }
      const LoadedLab lab = loaded({.shape = std::string(shape), .nodes = nodes});
      INFO(shape << " of " << nodes);
      CHECK(lab.topology.nodes.size() == nodes);
      CHECK(lab.topology.name == shape);
      CHECK(count(lab, resource::Kind::node) == nodes);
    }
  }
}

TEST_CASE("new: each shape has its cables and subnets") {
  using resource::Kind;
  CHECK(count(loaded({.shape = "line", .nodes = 100}), Kind::veth) == 99);
  CHECK(count(loaded({.shape = "ring", .nodes = 100}), Kind::veth) == 100);
  CHECK(count(loaded({.shape = "ring", .nodes = 2}), Kind::veth) == 1);
  CHECK(count(loaded({.shape = "mesh", .nodes = 65}), Kind::veth) == 65 * 64 / 2);
  CHECK(count(loaded({.shape = "star", .nodes = 1000}), Kind::bridge) == 1);
  CHECK(count(loaded({.shape = "star", .nodes = 1000}), Kind::veth) == 1000);
  const LoadedLab wide = loaded({.shape = "star", .nodes = 2500});
  CHECK(count(wide, Kind::bridge) == 3);
  CHECK(count(wide, Kind::veth) == 2499 + 3);
  CHECK(routers(wide) == 1);
  const LoadedLab tree = loaded({.shape = "tree", .nodes = 111, .fanout = 10});
  CHECK(routers(tree) == 11);
  CHECK(count(tree, Kind::bridge) == 11);
  const LoadedLab fabric = loaded({.shape = "leaf-spine", .leaves = 6, .spines = 3, .hosts = 5});
  CHECK(fabric.topology.nodes.size() == 6 + 3 + 30);
  CHECK(count(fabric, Kind::bridge) == 6);
  CHECK(count(fabric, Kind::veth) == 6 * 3 + 6 * 6);
}

TEST_CASE("new: where the help says so, all reach all") {
  for (const std::uint32_t nodes : {1U, 2U, 3U, 4U, 5U, 10U, 63U, 64U}) {
    check_all_reach_all({.shape = "line", .nodes = nodes});
  }
  for (const std::uint32_t nodes : {1U, 2U, 3U, 10U, 64U}) {
    check_all_reach_all({.shape = "ring", .nodes = nodes});
    check_all_reach_all({.shape = "star", .nodes = nodes});
  }
  for (const std::uint32_t fanout : {2U, 3U, 4U, 10U, 15U, 16U}) {
    for (const std::uint32_t nodes : {1U, 2U, 3U, 10U, 11U, 12U, 100U, 300U}) {
      check_all_reach_all({.shape = "tree", .nodes = nodes, .fanout = fanout});
    }
  }
}

TEST_CASE("new: in a mesh every node has a cable to every other") {
  const LoadedLab lab = loaded({.shape = "mesh", .nodes = 20});
  const Walk walk(lab);
  std::size_t pairs = 0;
  for (std::size_t from = 0; from < 20; ++from) {
    for (std::size_t to = 0; to < 20; ++to) {
      pairs += from != to && walk.touches(from, to) ? 1U : 0U;
    }
  }
  CHECK(pairs == 20 * 19);
}

TEST_CASE("new: in a leaf-spine fabric all but the spines reach all hosts") {
  const LoadedLab lab = loaded({.shape = "leaf-spine", .nodes = 100});
  const Walk walk(lab);
  const auto is = [&](std::size_t place, std::string_view word) {
    return lab.topology.nodes[place].name.starts_with(word);
  };
  std::size_t pairs = 0;
  for (std::size_t from = 0; from < 100; ++from) {
    for (std::size_t to = 0; to < 100; ++to) {
      if (!is(to, "spine") && !is(from, "spine")) {
        pairs += walk.calls(from, to) ? 1U : 0U;
      } else if (is(from, "spine") && is(to, "h")) {
        CHECK(walk.calls(from, to));
      }
    }
  }
  CHECK(pairs == 98 * 98);
}

TEST_CASE("new: the far ends of a wide star and a large tree reach each other") {
  for (const NewLab& wish : {NewLab{.shape = "star", .nodes = 3000},
                             NewLab{.shape = "tree", .nodes = 2000, .fanout = 10},
                             NewLab{.shape = "tree", .nodes = 2000, .fanout = 2}}) {
    const LoadedLab lab = loaded(wish);
    const Walk walk(lab);
    const std::size_t last = lab.topology.nodes.size() - 1;
    CHECK(walk.reaches(last, 1));
    CHECK(walk.reaches(1, last));
    CHECK(walk.reaches(last / 2, last));
  }
}

TEST_CASE("new: in a line too long for routes, neighbours reach each other") {
  const LoadedLab lab = loaded({.shape = "line", .nodes = 1000});
  const Walk walk(lab);
  CHECK(walk.calls(500, 499));
  CHECK(walk.calls(499, 500));
  CHECK_FALSE(walk.calls(0, 999));
  CHECK(lab.topology.nodes[500].routes.size() == 1);
}

TEST_CASE("new: addresses are of the subnet, which has to be large enough") {
  const LoadedLab lab = loaded({.shape = "tree", .subnet = "192.168.64.0/20", .nodes = 100});
  for (const Node& node : lab.topology.nodes) {
    for (const Interface& interface : node.interfaces) {
      CHECK(IpPrefix::parse("192.168.64.0/20")->contains(interface.addresses.front().address));
    }
  }
  CHECK_THAT(refusal({.shape = "star", .subnet = "10.0.0.0/24", .nodes = 300}),
             Catch::Contains("512 addresses"));
  CHECK(loaded({.shape = "star", .subnet = "10.0.0.0/24", .nodes = 254}).topology.nodes.size() ==
        254);
  CHECK_THAT(refusal({.shape = "star", .subnet = "fd00::/64"}), Catch::Contains("IPv4"));
  CHECK_THAT(refusal({.shape = "star", .subnet = "10.0.0.1/8"}), Catch::Contains("bits"));
  CHECK_THAT(refusal({.shape = "tree", .subnet = "10.0.0.0/13", .nodes = 10'000, .fanout = 999}),
             Catch::Contains("addresses"));
}

TEST_CASE("new: what no lab can be is refused with the reason") {
  CHECK_THAT(refusal({.shape = "cirlce"}), Catch::Contains("no shape"));
  CHECK_THAT(refusal({.shape = "mesh", .nodes = 66}), Catch::Contains("at most 65 nodes"));
  CHECK_THAT(refusal({.shape = "line", .nodes = 0}), Catch::Contains("1 to 10000"));
  CHECK_THAT(refusal({.shape = "line", .nodes = 10'001}), Catch::Contains("1 to 10000"));
  CHECK_THAT(refusal({.shape = "line", .nodes = 10'000}), Catch::Contains("1M"));
  CHECK_THAT(refusal({.shape = "star", .fanout = 3}), Catch::Contains("--fanout"));
  CHECK_THAT(refusal({.shape = "tree", .fanout = 1}), Catch::Contains("--fanout"));
  CHECK_THAT(refusal({.shape = "line", .leaves = 3}), Catch::Contains("--leaves"));
  CHECK_THAT(refusal({.shape = "line", .name = "No Name"}), Catch::Contains("No Name"));
  CHECK_THAT(refusal({.shape = "leaf-spine", .nodes = 4, .spines = 4}), Catch::Contains("4 spine"));
  CHECK_THAT(refusal({.shape = "leaf-spine", .nodes = 4, .leaves = 4}), Catch::Contains("4 leaf"));
  CHECK_THAT(refusal({.shape = "leaf-spine", .nodes = 40, .hosts = 4}), Catch::Contains("--hosts"));
  CHECK_THAT(refusal({.shape = "leaf-spine", .leaves = 65, .hosts = 1}), Catch::Contains("64"));
  CHECK_THAT(refusal({.shape = "leaf-spine", .leaves = 2, .spines = 0, .hosts = 1}),
             Catch::Contains("without a spine"));
  CHECK_THAT(refusal({.shape = "leaf-spine", .hosts = 4'000'000'000}), Catch::Contains("10000"));
}

}  // namespace nslab::topology
