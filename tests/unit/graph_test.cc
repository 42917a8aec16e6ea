#include "plan/graph.h"

#include <catch2/catch.hpp>

using nslab::plan::Graph;
using Order = std::vector<std::size_t>;

TEST_CASE("graph: edges come first, then priority, then the number") {
  Graph graph(4);
  CHECK(graph.order({0, 0, 0, 0}) == Order{0, 1, 2, 3});
  CHECK(graph.order({3, 2, 1, 1}) == Order{2, 3, 1, 0});
  graph.add_edge(0, 2);
  CHECK(graph.order({3, 2, 1, 1}) == Order{3, 1, 0, 2});
  CHECK(graph.before(2) == Order{0});
}

TEST_CASE("graph: an edge given twice counts as one") {
  Graph graph(2);
  graph.add_edge(1, 0);
  graph.add_edge(1, 0);
  CHECK(graph.order({0, 0}) == Order{1, 0});
}

TEST_CASE("graph: a cycle is found, from its lowest vertex on, and left out of the order") {
  Graph graph(6);
  graph.add_edge(0, 3);
  graph.add_edge(3, 5);
  graph.add_edge(5, 2);
  graph.add_edge(2, 3);
  graph.add_edge(2, 4);
  CHECK(graph.cycle() == Order{2, 3, 5});
  CHECK(graph.order(std::vector<std::uint64_t>(6, 0)) == Order{0, 1});
  Graph loop(1);
  loop.add_edge(0, 0);
  CHECK(loop.cycle() == Order{0});
  CHECK(Graph(3).cycle().empty());
  CHECK(Graph(0).cycle().empty());
}
