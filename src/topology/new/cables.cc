// Line, ring and mesh. Cable number i has the two addresses from 2i on: the first
// end that the file names gets the even one.
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "topology/new/sheet.h"
#include "topology/topology.h"

namespace nslab::topology {
namespace {

// What the usual time to live is enough for.
constexpr std::uint32_t kMostHops = 64;

std::string node_name(std::uint64_t place) {
  return numbered("n", place + 1);
}

// "routes: [...]"
std::string routes_text(const std::vector<std::string>& routes) {
  return routes.empty() ? "" : "routes: [" + join(routes, ", ") + "]";
}

// The largest networks that make up [begin, end).
std::vector<std::string> networks_of(const Space& space, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::string> networks;
  while (begin < end) {
    unsigned bits = 0;
    while ((begin & ((std::uint64_t{2} << bits) - 1)) == 0 &&
           begin + (std::uint64_t{2} << bits) <= end) {
      ++bits;
    }
    networks.push_back(space.network(begin, bits));
    begin += std::uint64_t{1} << bits;
  }
  return networks;
}

// Towards the first node by default, and to the cables on the other side.
std::vector<std::string> line_routes(const Plot& plot, std::uint64_t place) {
  const std::uint64_t cables = plot.nodes - 1;
  std::vector<std::string> routes;
  if (place > 0) {
    routes.push_back(route("default", plot.space.address(2 * (place - 1))));
  }
  if (plot.nodes > kMostHops || place >= cables) {
    return routes;
  }
  const std::string right = plot.space.address(2 * place + 1);
  if (place == 0) {
    return {route("default", right)};
  }
  // What is beyond the last cable is nobody's: rounding up makes fewer routes.
  const std::uint64_t end = std::uint64_t{1} << bits_for(2 * cables);
  if (place + 1 < cables) {
    for (const std::string& network : networks_of(plot.space, 2 * (place + 1), end)) {
      routes.push_back(route(network, right));
    }
  }
  return routes;
}

void draw_chain(Sheet& sheet, const Plot& plot, std::uint64_t cables) {
  for (std::uint64_t i = 0; i < cables; ++i) {
    sheet.link(node_name(i) + ":eth1",
               node_name((i + 1) % plot.nodes) + ":eth0",
               plot.space.network(2 * i, 1));
  }
}

std::string last_of(const Plot& plot) {
  return node_name(plot.nodes - 1);
}

}  // namespace

Result<Sheet> draw_line(const Plot& plot) {
  const std::uint64_t cables = plot.nodes - 1;
  Sheet sheet{.title = "A line of " + plural(plot.nodes, "router"), .defaults = "{role: router}"};
  NSLAB_TRY(plot.space.hold(2 * cables, "a line of " + plural(plot.nodes, "node")));
  sheet.note("  n1 ── n2 ── … ── " + last_of(plot));
  sheet.note("");
  sheet.note("Each node's eth1 is cabled to the next one's eth0, a network for each cable.");
  if (plot.nodes > kMostHops) {
    sheet.note("Neighbours reach each other, and default routes lead towards n1. There are no");
    sheet.note("routes to the far side: a packet goes no further than " +
               std::to_string(kMostHops) + " hops.");
  } else {
    sheet.note("Every node reaches every other: nslab exec n1 -- ping -c1 " + last_of(plot));
  }
  for (std::uint64_t i = 0; i < plot.nodes; ++i) {
    sheet.node(node_name(i), routes_text(line_routes(plot, i)));
  }
  draw_chain(sheet, plot, cables);
  return sheet;
}

Result<Sheet> draw_ring(const Plot& plot) {
  const std::uint64_t cables = plot.nodes < 3 ? plot.nodes - 1 : plot.nodes;
  Sheet sheet{.title = "A ring of " + plural(plot.nodes, "router"), .defaults = "{role: router}"};
  NSLAB_TRY(plot.space.hold(2 * cables, "a ring of " + plural(plot.nodes, "node")));
  sheet.note("  n1 ── n2 ── … ── " + last_of(plot) + " ── n1");
  sheet.note("");
  sheet.note("Each node's eth1 is cabled to the next one's eth0, a network for each cable.");
  sheet.note("Default routes lead to the next node: every node reaches those up to " +
             std::to_string(kMostHops) + " hops away,");
  sheet.note("and answers come the other way round (rp_filter must not be strict).");
  for (std::uint64_t i = 0; i < plot.nodes; ++i) {
    const bool closed = cables == plot.nodes;
    sheet.node(node_name(i),
               closed ? routes_text({route("default", plot.space.address(2 * i + 1))}) : "");
  }
  draw_chain(sheet, plot, cables);
  return sheet;
}

Result<Sheet> draw_mesh(const Plot& plot) {
  const std::uint64_t nodes = plot.nodes;
  if (nodes > kMaxInterfaces + 1) {
    return too_large("a mesh has at most " + plural(kMaxInterfaces + 1, "node") +
                         ", for a node has at most " + plural(kMaxInterfaces, "interface"),
                     "a ring or a leaf-spine fabric is larger");
  }
  const std::uint64_t cables = nodes * (nodes - 1) / 2;
  Sheet sheet{.title = "A full mesh of " + plural(nodes, "node")};
  NSLAB_TRY(plot.space.hold(2 * cables, "a mesh of " + plural(nodes, "node")));
  sheet.note("A cable between any two nodes; each end has the name of the other node. Every node");
  sheet.note("reaches every other without a router.");
  std::uint64_t cable = 0;
  for (std::uint64_t i = 0; i < nodes; ++i) {
    sheet.node(node_name(i), "");
    for (std::uint64_t j = i + 1; j < nodes; ++j) {
      sheet.link(node_name(i) + ":" + node_name(j),
                 node_name(j) + ":" + node_name(i),
                 plot.space.network(2 * cable++, 1));
    }
  }
  return sheet;
}

}  // namespace nslab::topology
