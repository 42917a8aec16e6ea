#include "plan/graph.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace nslab::plan {

void Graph::add_edge(std::size_t before, std::size_t after) {
  successors_[before].push_back(after);
  predecessors_[after].push_back(before);
}

std::vector<std::size_t> Graph::order(const std::vector<std::uint64_t>& priority) const {
  using Entry = std::pair<std::uint64_t, std::size_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  std::vector<std::size_t> waiting(size());
  for (std::size_t vertex = 0; vertex < size(); ++vertex) {
    waiting[vertex] = predecessors_[vertex].size();
    if (waiting[vertex] == 0) {
      ready.push({priority[vertex], vertex});
    }
  }
  std::vector<std::size_t> ordered;
  ordered.reserve(size());
  while (!ready.empty()) {
    const std::size_t vertex = ready.top().second;
    ready.pop();
    ordered.push_back(vertex);
    for (const std::size_t next : successors_[vertex]) {
      if (--waiting[next] == 0) {
        ready.push({priority[next], next});
      }
    }
  }
  return ordered;
}

std::vector<std::size_t> Graph::cycle() const {
  std::vector<bool> placed(size(), false);
  for (const std::size_t vertex : order(std::vector<std::uint64_t>(size(), 0))) {
    placed[vertex] = true;
  }
  const auto start = std::ranges::find(placed, false);
  if (start == placed.end()) {
    return {};
  }
  // Every vertex left has one left before it: walking backwards must come round.
  std::vector<std::size_t> walk;
  auto vertex = static_cast<std::size_t>(start - placed.begin());
  while (std::ranges::find(walk, vertex) == walk.end()) {
    walk.push_back(vertex);
    vertex = *std::ranges::find_if(predecessors_[vertex],
                                   [&](std::size_t each) { return !placed[each]; });
  }
  std::vector<std::size_t> found(std::ranges::find(walk, vertex), walk.end());
  std::ranges::reverse(found);
  std::ranges::rotate(found, std::ranges::min_element(found));
  return found;
}

}  // namespace nslab::plan
