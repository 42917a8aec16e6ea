#include "topology/resolve.h"

#include <algorithm>

namespace nslab::topology {

bool Interface::has_ipv6() const {
  return std::ranges::any_of(addresses, [](const IpPrefix& each) { return each.address.is_v6(); });
}

Topology resolve(LabKeys lab, std::string directory, Problems& problems) {
  Topology topology{
      .name = lab.name.value_or(""),
      .description = lab.description.value_or(""),
      .layers = lab.limits.or_empty().layers.value_or(std::string(kDefaultLayers)).value_or(""),
      .file = problems.file(),
      .directory = std::move(directory)};
  Draft draft{.lab = lab, .problems = problems, .topology = topology};
  place_parts(draft);
  choose_gateways(draft);
  assign_addresses(draft);
  assign_macs(draft);
  settle_ipv6(draft);
  resolve_namespaces(draft);
  resolve_routes(draft);
  check_order(draft);
  check_nodes(draft);
  return topology;
}

std::string host_path(const Topology& topology, std::string_view path) {
  if (path.starts_with('/')) {
    return std::string(path);
  }
  if (!topology.directory.starts_with('/')) {
    return {};
  }
  while (path.starts_with("./")) {
    path.remove_prefix(2);
  }
  return topology.directory + (topology.directory.ends_with('/') ? "" : "/") + std::string(path);
}

std::vector<std::vector<std::size_t>> find_cycles(
    const std::vector<std::vector<std::size_t>>& successors) {
  enum class State : std::uint8_t {
    unseen,
    on_path,
    done
  };

  struct Visit {
    std::size_t vertex;
    std::size_t next;
  };

  std::vector<State> states(successors.size(), State::unseen);
  std::vector<std::vector<std::size_t>> cycles;
  std::vector<Visit> path;
  for (std::size_t start = 0; start < successors.size(); ++start) {
    if (states[start] == State::unseen) {
      states[start] = State::on_path;
      path.push_back({start, 0});
    }
    while (!path.empty()) {
      Visit& last = path.back();
      if (last.next == successors[last.vertex].size()) {
        states[last.vertex] = State::done;
        path.pop_back();
        continue;
      }
      const std::size_t next = successors[last.vertex][last.next++];
      if (states[next] == State::unseen) {
        states[next] = State::on_path;
        path.push_back({next, 0});
      } else if (states[next] == State::on_path) {
        auto& cycle = cycles.emplace_back();
        const auto begin =
            std::ranges::find(path, next, [](const Visit& each) { return each.vertex; });
        std::transform(begin, path.end(), std::back_inserter(cycle), [](const Visit& each) {
          return each.vertex;
        });
      }
    }
  }
  return cycles;
}

}  // namespace nslab::topology
