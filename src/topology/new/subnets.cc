// Star, tree and leaf-spine: nodes on subnets, which are bridges.
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "topology/new/sheet.h"
#include "topology/topology.h"

namespace nslab::topology {
namespace {

// Hosts of one subnet: a round number below what a bridge takes.
constexpr std::uint32_t kMostHosts = 1000;
static_assert(kMostHosts < kMaxBridgePorts);

// The host part of a network that `ports` interfaces have room in; not smaller than
// the /24 that everybody reads with ease, where `tight` does not ask for it.
unsigned host_bits(std::uint64_t ports, bool tight) {
  const unsigned bits = bits_for(ports + 2);  // the network's address and its broadcast
  return tight ? bits : std::max(bits, 8U);
}

std::string on(const std::string& interface, const std::string& subnet) {
  return "interfaces: {" + interface + ": " + subnet + "}";
}

// Of `hosts` spread evenly over `places`, those of one place.
std::uint64_t share(std::uint64_t hosts, std::uint64_t places, std::uint64_t place) {
  return hosts / places + (place < hosts % places ? 1 : 0);
}

// --- Star ------------------------------------------------------------------

Result<Sheet> draw_one_star(const Plot& plot) {
  Sheet sheet{.title = plural(plot.nodes, "host") + " on one subnet",
              .defaults = "{interfaces: {eth0: net}}"};
  const unsigned bits = host_bits(plot.nodes, false);
  NSLAB_TRY(plot.space.hold(std::uint64_t{1} << bits, "a star of " + plural(plot.nodes, "node")));
  sheet.note("Every host reaches every other.");
  sheet.subnet("net", plot.space.network(0, bits));
  for (std::uint64_t i = 1; i <= plot.nodes; ++i) {
    sheet.node(numbered("h", i), "");
  }
  return sheet;
}

// More than a bridge takes: one of the nodes is a router between several.
Result<Sheet> draw_wide_star(const Plot& plot) {
  const std::uint64_t hosts = plot.nodes - 1;
  const std::uint64_t subnets = (hosts + kMostHosts - 1) / kMostHosts;
  Sheet sheet{.title = plural(hosts, "host") + " on " + plural(subnets, "subnet")};
  const unsigned bits = host_bits(kMostHosts + 1, false);
  NSLAB_TRY(plot.space.hold(subnets << bits, "a star of " + plural(plot.nodes, "node")));
  sheet.note("A bridge takes no more than " + std::to_string(kMaxBridgePorts) +
             " ports, so that router r joins several. Every host reaches every other.");
  std::string places;
  std::uint64_t host = 0;
  for (std::uint64_t i = 0; i < subnets; ++i) {
    const std::string subnet = numbered("net", i + 1);
    sheet.subnet(subnet, plot.space.network(i << bits, bits));
    places += (i == 0 ? "" : ", ") + numbered("eth", i) + ": " + subnet;
  }
  sheet.node("r", "role: router, interfaces: {" + places + "}");
  for (std::uint64_t i = 0; i < subnets; ++i) {
    for (std::uint64_t left = share(hosts, subnets, i); left > 0; --left) {
      sheet.node(numbered("h", ++host), on("eth0", numbered("net", i + 1)));
    }
  }
  return sheet;
}

// --- Tree ------------------------------------------------------------------

// Nodes in the order of a heap: the children of i are fanout·i + 1 and so on. Those
// with children are routers, each with the subnet of its children below it. A
// router's addresses are one aligned block: its own subnet's first, then a block for
// each of its children.
struct Tree {
  struct Router {
    std::uint64_t begin = 0;  // of its block
    unsigned depth = 0;
  };

  explicit Tree(const Plot& plot)
      : nodes(plot.nodes),
        fanout(plot.fanout),
        subnet_bits(host_bits(plot.fanout + 1, true)),
        level_bits(bits_for(plot.fanout + 1)),
        routers((nodes - 1 + fanout - 1) / fanout) {
    for (std::uint64_t i = 1; i < routers.size(); ++i) {
      routers[i].depth = routers[parent(i)].depth + 1;
      depth = std::max(depth, routers[i].depth);
    }
    for (std::uint64_t i = 1; i < routers.size(); ++i) {
      routers[i].begin = routers[parent(i)].begin + (slot(i) << block_bits(i));
    }
  }

  [[nodiscard]] std::uint64_t parent(std::uint64_t place) const { return (place - 1) / fanout; }

  // Among its parent's children, from 1.
  [[nodiscard]] std::uint64_t slot(std::uint64_t place) const { return (place - 1) % fanout + 1; }

  [[nodiscard]] unsigned block_bits(std::uint64_t router) const {
    return subnet_bits + level_bits * (depth - routers[router].depth);
  }

  // Where its parent reaches a node: the parent itself has the first address.
  [[nodiscard]] std::uint64_t upper_address(std::uint64_t place) const {
    return routers[parent(place)].begin + 1 + slot(place);
  }

  std::uint64_t nodes;
  std::uint64_t fanout;
  unsigned subnet_bits;
  unsigned level_bits;
  std::vector<Router> routers;
  unsigned depth = 0;  // of the deepest router
};

void draw_tree_router(Sheet& sheet, const Space& space, const Tree& tree, std::uint64_t place) {
  const std::string own = numbered("s", place + 1);
  const std::uint64_t begin = tree.routers[place].begin;
  std::string ports = "down: " + own;
  std::vector<std::string> routes;
  if (place > 0) {
    ports = "up: " + numbered("s", tree.parent(place) + 1) + ", " + ports;
    routes.push_back(route("default", space.address(tree.routers[tree.parent(place)].begin + 1)));
  }
  const std::uint64_t end = (place + 1) * tree.fanout + 1;  // of its children
  for (std::uint64_t child = place * tree.fanout + 1; child < end; ++child) {
    if (child < tree.routers.size()) {
      routes.push_back(route(space.network(tree.routers[child].begin, tree.block_bits(child)),
                             space.address(tree.upper_address(child))));
    }
  }
  const std::string network = space.network(begin, tree.subnet_bits);
  const bool routers_below = place * tree.fanout + 1 < tree.routers.size();
  // Where another router stands on the subnet, hosts have to be told which to use.
  sheet.subnet(own,
               routers_below ? "{cidr: " + network + ", gateway: " + numbered("r", place + 1) + "}"
                             : network);
  sheet.node(numbered("r", place + 1),
             "role: router, interfaces: {" + ports + "}" +
                 (routes.empty() ? "" : ", routes: [" + join(routes, ", ") + "]"));
}

// --- Leaf and spine --------------------------------------------------------

// Leaf i's subnet begins at i << bits; the cables' addresses follow the last one's.
struct Fabric {
  const Plot& plot;
  unsigned bits;

  [[nodiscard]] std::uint64_t cable(std::uint64_t leaf, std::uint64_t spine) const {
    return (std::uint64_t{plot.leaves} << bits) + 2 * (leaf * plot.spines + spine);
  }

  // Of leaf and spine, at the two ends of their cable.
  [[nodiscard]] std::string leaf_address(std::uint64_t leaf, std::uint64_t spine) const {
    return plot.space.address(cable(leaf, spine));
  }

  [[nodiscard]] std::string spine_address(std::uint64_t leaf, std::uint64_t spine) const {
    return plot.space.address(cable(leaf, spine) + 1);
  }
};

// Each leaf prefers another spine; the others take over where its cable is down.
void draw_leaf(Sheet& sheet, const Fabric& fabric, std::uint64_t leaf) {
  const std::string name = numbered("leaf", leaf + 1);
  const std::string subnet = numbered("net", leaf + 1);
  sheet.subnet(subnet, fabric.plot.space.network(leaf << fabric.bits, fabric.bits));
  std::vector<std::string> routes;
  for (std::uint32_t i = 0; i < fabric.plot.spines; ++i) {
    const std::uint64_t spine = (leaf + i) % fabric.plot.spines;
    routes.push_back(route("default", fabric.spine_address(leaf, spine), 10 * i));
  }
  sheet.node(name,
             "role: router, " + on("eth0", subnet) +
                 (routes.empty() ? "" : ", routes: [" + join(routes, ", ") + "]"));
  for (std::uint64_t spine = 0; spine < fabric.plot.spines; ++spine) {
    const std::string other = numbered("spine", spine + 1);
    sheet.link(name + ":" + other,
               other + ":" + name,
               fabric.plot.space.network(fabric.cable(leaf, spine), 1));
  }
}

void draw_spine(Sheet& sheet, const Fabric& fabric, std::uint64_t spine) {
  std::vector<std::string> routes;
  for (std::uint64_t leaf = 0; leaf < fabric.plot.leaves; ++leaf) {
    routes.push_back(route(fabric.plot.space.network(leaf << fabric.bits, fabric.bits),
                           fabric.leaf_address(leaf, spine)));
  }
  sheet.node(numbered("spine", spine + 1), "role: router, routes: [" + join(routes, ", ") + "]");
}

}  // namespace

Result<Sheet> draw_star(const Plot& plot) {
  return plot.nodes <= kMostHosts ? draw_one_star(plot) : draw_wide_star(plot);
}

Result<Sheet> draw_tree(const Plot& plot) {
  const Tree tree(plot);
  const std::uint64_t hosts = tree.nodes - tree.routers.size();
  Sheet sheet{.title = "A tree of " + plural(tree.routers.size(), "router") + " and " +
                       plural(hosts, "host")};
  if (!tree.routers.empty()) {
    NSLAB_TRY(plot.space.hold(
        std::uint64_t{1} << tree.block_bits(0),
        "a tree of " + plural(plot.nodes, "node") + " with fanout " + std::to_string(plot.fanout)));
  }
  sheet.note("  r1 ─┬─ r2 ─┬─ h1     Router rN has the subnet sN below it, with at most");
  sheet.note("      │      └─ …      " + plural(plot.fanout, "node") +
             ". Its default route leads up, and a route");
  sheet.note("      └─ …             leads down to all that is below each router there.");
  sheet.note("");
  sheet.note("Every node reaches every other.");
  for (std::uint64_t i = 0; i < tree.routers.size(); ++i) {
    draw_tree_router(sheet, plot.space, tree, i);
  }
  for (std::uint64_t i = tree.routers.size(); i < tree.nodes; ++i) {
    sheet.node(numbered("h", i - tree.routers.size() + 1),
               i == 0 ? "" : on("eth0", numbered("s", tree.parent(i) + 1)));
  }
  return sheet;
}

Result<Sheet> draw_leaf_spine(const Plot& plot) {
  const std::uint64_t most = (plot.hosts + plot.leaves - 1) / plot.leaves;
  if (plot.leaves > kMaxInterfaces || plot.spines >= kMaxInterfaces || most > kMostHosts) {
    return too_large("a leaf-spine fabric has at most " + plural(kMaxInterfaces, "leaf router") +
                     ", " + plural(kMaxInterfaces - 1, "spine router") + ", and " +
                     plural(kMostHosts, "host") + " below a leaf");
  }
  const Fabric fabric{.plot = plot, .bits = host_bits(most + 1, false)};
  Sheet sheet{.title = plural(plot.hosts, "host") + " below " + std::to_string(plot.leaves) +
                       " leaf and " + std::to_string(plot.spines) + " spine routers"};
  NSLAB_TRY(plot.space.hold(fabric.cable(plot.leaves, 0), "the fabric"));
  sheet.note("Each leaf router has a subnet of hosts below it, and a cable to each spine. Leaves");
  sheet.note("take turns in which spine they prefer. Hosts and leaves reach every host.");
  for (std::uint64_t spine = 0; spine < plot.spines; ++spine) {
    draw_spine(sheet, fabric, spine);
  }
  std::uint64_t host = 0;
  for (std::uint64_t leaf = 0; leaf < plot.leaves; ++leaf) {
    draw_leaf(sheet, fabric, leaf);
    for (std::uint64_t left = share(plot.hosts, plot.leaves, leaf); left > 0; --left) {
      sheet.node(numbered("h", ++host), on("eth0", numbered("net", leaf + 1)));
    }
  }
  return sheet;
}

}  // namespace nslab::topology
