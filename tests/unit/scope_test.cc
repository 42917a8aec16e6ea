#include "reconcile/scope.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "support/bench.h"
#include "support/print.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::test;

namespace {

// n1 to n6, each with a link to the next.
LabSketch line() {
  LabSketch lab;
  for (std::uint8_t i = 1; i <= 6; ++i) {
    lab.nodes.push_back({.name = "n" + std::to_string(i), .number = i});
  }
  for (std::uint8_t i = 1; i < 6; ++i) {
    lab.links.push_back({.a = "n" + std::to_string(i) + ":r",
                         .b = "n" + std::to_string(i + 1) + ":l",
                         .number = i});
  }
  return lab;
}

std::string last_look(const Bench& bench) {
  const auto& calls = bench.host.calls;
  return *std::find_if(calls.rbegin(), calls.rend(), [](const std::string& call) {
    return call.starts_with("observe");
  });
}

// What apply() looked at last, from what stands there to what is asked for.
std::string looked_at(const LabSketch& before, const LabSketch& after) {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(before)));
  REQUIRE_FALSE(bench.apply(desired_state(after)));
  CHECK(print(bench.host.world) == print(as_observed(desired_state(after))));
  return last_look(bench);
}

}  // namespace

TEST_CASE("scope: what a step changes is looked at again, and where its cables end") {
  LabSketch lab = line();
  lab.nodes[0].hostname = "first";
  CHECK(looked_at(line(), lab) == "observe only n1 n2");
}

TEST_CASE("scope: a cable is of both its ends") {
  LabSketch lab = line();
  lab.links[0].mtu = 1400;
  CHECK(looked_at(line(), lab) == "observe only n1 n2 n3");
}

TEST_CASE("scope: where a cable was is looked at as well") {
  LabSketch lab = line();
  lab.links.pop_back();  // n5 - n6
  CHECK(looked_at(line(), lab) == "observe only n4 n5 n6");
}

TEST_CASE("scope: much that changes, and the lab itself, is looked at as a whole") {
  CHECK(looked_at({}, line()) == "observe");
  LabSketch lab = line();
  for (std::size_t i : {0U, 1U, 2U, 3U}) {
    lab.nodes[i].hostname = "other";
  }
  CHECK(looked_at(line(), lab) == "observe");
}

TEST_CASE("scope: what the kernel loses where a step reaches is made in the second pass") {
  LabSketch lab = line();
  lab.subnets = {{.name = "net", .gateway = true}};
  lab.nodes[0].subnets = {"net"};
  LabSketch changed = lab;
  changed.nodes[0].number = 77;  // its route goes with the address
  CHECK(looked_at(lab, changed) == "observe only @switch n1 n2");
}

TEST_CASE(
    "scope: a cable that has lost an end does not reach those of which an end is not looked at") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(line())));
  auto& cable = bench.host.world.resources.at(resource::veth_id("n1", "r")).spec;
  std::get<resource::Veth>(cable).b = {};
  const auto failed = bench.apply(desired_state(line()));
  INFO((failed ? to_string(*failed) : ""));
  CHECK_FALSE(failed);
  CHECK(print(bench.host.world) == print(as_observed(desired_state(line()))));
  CHECK(last_look(bench) == "observe only n1 n2 n3");
}

TEST_CASE("scope: what happens in a node happens in the namespaces that it shares") {
  LabSketch lab = line();
  for (const char* alone : {"x1", "x2"}) {
    lab.nodes.push_back({.name = alone});
  }
  lab.nodes.push_back({.name = "side", .net_of = "n4"});
  LabSketch changed = lab;
  changed.nodes.back().setup = {"true"};
  CHECK(looked_at(lab, changed) == "observe only n3 n4 n5 side");
  LabSketch other = lab;
  other.nodes[3].setup = {"true"};
  CHECK(looked_at(lab, other) == "observe only n3 n4 n5 side");
}

TEST_CASE("scope: a place that leads everywhere is looked at as a whole") {
  LabSketch lab{.subnets = {{.name = "net"}}};
  for (std::uint8_t i = 1; i <= 6; ++i) {
    lab.nodes.push_back({.name = "n" + std::to_string(i), .number = i, .subnets = {"net"}});
  }
  LabSketch changed = lab;
  changed.nodes[0].subnets.clear();
  CHECK(looked_at(lab, changed) == "observe");
}

TEST_CASE("scope: a cable that leads out of it is compared, those beyond are not") {
  const resource::DesiredState desired = desired_state(line());
  const resource::ObservedState before = as_observed(desired);
  LabSketch lab = line();
  lab.nodes[0].hostname = "first";
  reconcile::Scope scope(desired, before);
  scope.reach(plan::diff(desired_state(lab), before));
  const auto part = scope.part_of(desired);
  CHECK(part.resources.contains(resource::veth_id("n1", "r")));
  CHECK_FALSE(part.resources.contains(resource::veth_id("n2", "r")));
  CHECK_FALSE(part.resources.contains(resource::node_id("n2")));
  CHECK(part.resources.contains(resource::kLabId));
}
