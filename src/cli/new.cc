#include "cli/command.h"
#include "topology/new/new_lab.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {
    {"SHAPE", "line, star, tree, ring, mesh or leaf-spine", &Arguments::target, true}};

constexpr Option kOptions[] = {
    {"--nodes", "N", "How many nodes, routers included (10)", &Arguments::nodes},
    {"--name", "NAME", "The name of the lab (that of the shape)", &Arguments::name},
    {"--subnet",
     "NETWORK",
     "The network of IPv4 that all addresses are taken from (10.0.0.0/8)",
     &Arguments::subnet},
    {"--fanout", "N", "tree: how many nodes are below each router (4)", &Arguments::fanout},
    {"--leaves", "N", "leaf-spine: how many leaf routers", &Arguments::leaves},
    {"--spines", "N", "leaf-spine: how many spine routers (2)", &Arguments::spines},
    {"--hosts",
     "N",
     "leaf-spine: how many hosts are below each leaf, instead of --nodes",
     &Arguments::hosts}};

constexpr std::string_view kNotes =
    "line        routers in a row, a cable from each to the next. Up to 64 nodes all reach\n"
    "            each other; in a longer line neighbours do\n"
    "ring        a line whose ends are joined; nodes reach those up to 64 hops away\n"
    "mesh        a cable between any two nodes, of which there are at most 65\n"
    "star        hosts on one subnet; more than 1000 on several, with a router between them\n"
    "tree        subnets below subnets, a router between each two\n"
    "leaf-spine  subnets of hosts, each below a leaf router, which is cabled to every spine\n"
    "In mesh, star, tree and leaf-spine all hosts reach each other.";

int run(const Arguments& arguments, Console& console) {
  const auto text = topology::new_lab({.shape = arguments.target,
                                       .name = arguments.name,
                                       .subnet = arguments.subnet,
                                       .nodes = arguments.nodes,
                                       .fanout = arguments.fanout,
                                       .leaves = arguments.leaves,
                                       .spines = arguments.spines,
                                       .hosts = arguments.hosts});
  if (!text) {
    console.fail(text.error());
    return kUsage;
  }
  console.print(*text);
  return kDone;
}

}  // namespace

const Command kNew{"new",
                   "Print a lab file of a regular shape and any size",
                   kPositionals,
                   {},
                   false,
                   run,
                   kOptions,
                   kNotes};

}  // namespace nslab::cli
