// A directed graph of what has to come before what. Knows nothing of labs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nslab::plan {

// Vertices are 0 .. size-1.
class Graph {
 public:
  explicit Graph(std::size_t size) : successors_(size), predecessors_(size) {}

  [[nodiscard]] std::size_t size() const { return successors_.size(); }

  void add_edge(std::size_t before, std::size_t after);

  // What has to come directly before `vertex`, in the order of the calls of add_edge.
  [[nodiscard]] const std::vector<std::size_t>& before(std::size_t vertex) const {
    return predecessors_[vertex];
  }

  // Every vertex after all that come before it; among those that could come next
  // the one with the lowest priority value, then the lowest number. Vertices on
  // a cycle, and those behind one, are left out.
  [[nodiscard]] std::vector<std::size_t> order(const std::vector<std::uint64_t>& priority) const;

  // One cycle, beginning with its lowest vertex; empty where there is none.
  [[nodiscard]] std::vector<std::size_t> cycle() const;

 private:
  std::vector<std::vector<std::size_t>> successors_;
  std::vector<std::vector<std::size_t>> predecessors_;
};

}  // namespace nslab::plan
