#include "topology/new/new_lab.h"

#include <algorithm>

#include "base/text.h"
#include "topology/document.h"
#include "topology/lab_file.h"
#include "topology/new/sheet.h"
#include "topology/topology.h"

namespace nslab::topology {
namespace {

constexpr std::uint32_t kNodes = 10;
constexpr std::uint32_t kFanout = 4;
constexpr std::uint32_t kMostFanout = 999;  // a router has a route for each router below it
constexpr std::uint32_t kHostsOfLeaf = 16;
constexpr std::string_view kBase = "10.0.0.0/8";

Error usage(std::string message, std::string hint = {}) {
  return {.kind = ErrorKind::usage, .message = std::move(message), .hint = std::move(hint)};
}

// An option that only one shape has.
Result<void> check_belongs(const NewLab& wish,
                           const std::optional<std::uint32_t>& value,
                           const std::string& option,
                           std::string_view shape) {
  if (value && wish.shape != shape) {
    return usage(option + " makes sense for " + quote(shape) + " only");
  }
  return {};
}

Result<void> check_options(const NewLab& wish) {
  if (std::ranges::find(kLabShapes, wish.shape) == kLabShapes.end()) {
    const std::string_view near = nearest(wish.shape, kLabShapes);
    return usage("there is no shape " + quote(wish.shape),
                 near.empty() ? "line, star, tree, ring, mesh or leaf-spine"
                              : "did you mean " + quote(near) + "?");
  }
  NSLAB_TRY(check_belongs(wish, wish.fanout, "--fanout", "tree"));
  NSLAB_TRY(check_belongs(wish, wish.leaves, "--leaves", "leaf-spine"));
  NSLAB_TRY(check_belongs(wish, wish.spines, "--spines", "leaf-spine"));
  NSLAB_TRY(check_belongs(wish, wish.hosts, "--hosts", "leaf-spine"));
  if (wish.nodes && wish.hosts) {
    return usage("--nodes counts all nodes, --hosts those below each leaf: give one of them");
  }
  if (!wish.name.empty() && !LabName::parse(wish.name)) {
    return usage("the name " + quote(wish.name) + " is not " + LabName::shape().noun,
                 LabName::hint(wish.name));
  }
  const std::uint32_t nodes = wish.nodes.value_or(kNodes);
  if (nodes < 1 || nodes > kMaxNodes) {
    return usage("a lab has 1 to " + std::to_string(kMaxNodes) + " nodes");
  }
  const std::uint32_t fanout = wish.fanout.value_or(kFanout);
  if (fanout < 2 || fanout > kMostFanout) {
    return usage("--fanout is 2 to " + std::to_string(kMostFanout));
  }
  return {};
}

Result<Space> space_of(const NewLab& wish) {
  const std::string text = wish.subnet.empty() ? std::string(kBase) : wish.subnet;
  const auto base = IpPrefix::parse(text);
  if (!base || base->address.is_v6()) {
    return usage(quote(text) + " is not a network of IPv4", "such as --subnet 10.0.0.0/8");
  }
  if (base->network() != *base) {
    return usage(text + " has bits set behind its prefix",
                 "the network is " + to_string(base->network()));
  }
  return Space(*base);
}

// The fabric's parts, as far as the wish does not say them: two spines, a leaf for
// sixteen hosts, and hosts so that all nodes together are as many as wished.
Result<void> plan_fabric(const NewLab& wish, Plot& plot) {
  const std::uint32_t nodes = plot.nodes;
  const std::uint32_t usual_spines = nodes == 1 ? 0 : nodes < 5 ? 1 : 2;
  plot.spines = wish.spines.value_or(wish.hosts ? 2 : usual_spines);
  if (plot.spines >= nodes && !wish.hosts) {
    return usage(plural(nodes, "node") + " are not enough for " + plural(plot.spines, "spine"));
  }
  const auto usual_leaves =
      std::clamp<std::uint32_t>((nodes - plot.spines) / (kHostsOfLeaf + 1), 2, kMaxInterfaces);
  plot.leaves = wish.leaves.value_or(wish.hosts ? 4 : std::min(usual_leaves, nodes - plot.spines));
  if (plot.leaves < 1) {
    return usage("a leaf-spine fabric has at least one leaf");
  }
  if (plot.spines == 0 && plot.leaves > 1) {
    return usage("without a spine there is nothing between the leaves");
  }
  if (wish.hosts) {
    const std::uint64_t hosts = std::uint64_t{*wish.hosts} * plot.leaves;
    if (hosts + plot.leaves + plot.spines > kMaxNodes) {
      return usage("a lab has 1 to " + std::to_string(kMaxNodes) + " nodes");
    }
    plot.hosts = static_cast<std::uint32_t>(hosts);
    return {};
  }
  if (std::uint64_t{plot.leaves} + plot.spines > nodes) {
    return usage(plural(nodes, "node") + " are not enough for " + std::to_string(plot.leaves) +
                 " leaf and " + std::to_string(plot.spines) + " spine routers");
  }
  plot.hosts = nodes - plot.leaves - plot.spines;
  return {};
}

Result<Plot> plot_of(const NewLab& wish) {
  NSLAB_TRY(check_options(wish));
  NSLAB_ASSIGN(space, space_of(wish));
  Plot plot{.space = space,
            .nodes = wish.nodes.value_or(kNodes),
            .fanout = wish.fanout.value_or(kFanout)};
  if (wish.shape == "leaf-spine") {
    NSLAB_TRY(plan_fabric(wish, plot));
  }
  return plot;
}

Result<Sheet> draw(const NewLab& wish, const Plot& plot) {
  if (wish.shape == "line") {
    return draw_line(plot);
  }
  if (wish.shape == "star") {
    return draw_star(plot);
  }
  if (wish.shape == "tree") {
    return draw_tree(plot);
  }
  if (wish.shape == "ring") {
    return draw_ring(plot);
  }
  return wish.shape == "mesh" ? draw_mesh(plot) : draw_leaf_spine(plot);
}

std::string section(const std::string& key, const std::string& lines) {
  return lines.empty() ? "" : "\n" + key + ":\n" + lines;
}

std::string text_of(const Sheet& sheet, const std::string& name) {
  std::string text =
      "# " + sheet.title + ".\n#\n" + sheet.notes + "#\n" + "#   nslab up " + name + ".yaml\n";
  text += "name: " + name + "\ndescription: " + sheet.title + "\n";
  text += sheet.defaults.empty() ? "" : "defaults: " + sheet.defaults + "\n";
  return text + section("subnets", sheet.subnets) + section("nodes", sheet.nodes) +
         section("links", sheet.links);
}

}  // namespace

Result<std::string> new_lab(const NewLab& wish) {
  NSLAB_ASSIGN(plot, plot_of(wish));
  NSLAB_ASSIGN(sheet, draw(wish, plot));
  std::string text = text_of(sheet, wish.name.empty() ? wish.shape : wish.name);
  if (text.size() > kMaxFileBytes) {
    return too_large("the lab file would have " + format_bytes(text.size()) +
                         ", and nslab reads at most " + format_bytes(kMaxFileBytes),
                     "ask for fewer nodes");
  }
  return text;
}

}  // namespace nslab::topology
