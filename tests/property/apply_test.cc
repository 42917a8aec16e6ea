// What must hold for every lab, whatever it is: of all small labs, and of random
// larger ones. A failure prints the labs; NSLAB_SEED repeats a random run, and
// NSLAB_PROPERTY_ROUNDS makes it longer.
#include <cstdlib>
#include <iostream>
#include <random>

#include <catch2/catch.hpp>

#include "property/labs.h"
#include "reconcile/reconciler.h"
#include "support/bench.h"
#include "support/fake_host.h"
#include "support/print.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::test;

namespace {

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : otherwise;
}

unsigned seed() {
  static const unsigned value = [] {
    const unsigned chosen = from_environment("NSLAB_SEED", std::random_device{}());
    std::cout << "NSLAB_SEED=" << chosen << "\n";
    return chosen;
  }();
  return value;
}

unsigned rounds() {
  constexpr unsigned kRounds = 15;
  return from_environment("NSLAB_PROPERTY_ROUNDS", kRounds);
}

std::string world_of(const LabSketch& sketch) {
  return print(as_observed(desired_state(sketch)));
}

// Somebody else's, in the namespaces of the lab and beside it.
void plant_foreign(FakeHost& host) {
  host.world.add(resource::Cgroup{.node = "someone"}, false);
  host.world.add(resource::NetNs{.name = "vpn"}, false);
  for (const auto& [id, observed] : resource::ObservedState(host.world).resources) {
    if (const auto* netns = std::get_if<resource::NetNs>(&observed.spec)) {
      host.world.add(resource::Link{.netns = netns->name, .name = "dummy0"}, false);
    }
  }
}

void must_apply(Bench& bench, const resource::DesiredState& desired) {
  const auto failed = bench.apply(desired);
  INFO((failed ? to_string(*failed) : ""));
  REQUIRE_FALSE(failed);
}

// A changes to B: every promise that apply() makes on the way.
void check_change(const LabSketch& from, const LabSketch& to) {
  INFO("from:\n" << describe(from) << "to:\n" << describe(to));
  Bench bench;
  must_apply(bench, desired_state(from));
  REQUIRE(print(bench.host.world) == world_of(from));

  bench.host.calls.clear();
  must_apply(bench, desired_state(from));
  REQUIRE(bench.host.calls == std::vector<std::string>{"observe"});

  must_apply(bench, desired_state(to));
  REQUIRE(print(bench.host.world) == world_of(to));

  must_apply(bench, nothing());
  REQUIRE(bench.host.world.resources.empty());
  REQUIRE(bench.store.load("lab") == state::LabRecord{});
}

// B is tried on A and fails at one object: A is there again. Then killed at that
// object instead: the next apply finds its way to B, or to nothing.
void check_fault(const LabSketch& from, const LabSketch& to, Fault fault) {
  INFO("from:\n"
       << describe(from) << "to:\n"
       << describe(to) << "fault at object " << fault.object << ", kind "
       << static_cast<int>(fault.when));
  Bench bench;
  must_apply(bench, desired_state(from));
  bench.host.fail(fault);
  const auto failed = bench.apply(desired_state(to));
  REQUIRE(failed);
  INFO(to_string(*failed));
  REQUIRE(failed->rolled_back);
  REQUIRE(print(bench.host.world) == world_of(from));
  REQUIRE(bench.plan(desired_state(from)).empty());

  bench.host.fail(fault);
  REQUIRE(bench.apply(desired_state(to), {.keep_wreck = true}));
  must_apply(bench, desired_state(to));
  REQUIRE(print(bench.host.world) == world_of(to));

  must_apply(bench, desired_state(from));
  bench.host.fail(fault);
  REQUIRE(bench.apply(desired_state(to), {.keep_wreck = true}));
  must_apply(bench, nothing());
  REQUIRE(bench.host.world.resources.empty());
}

std::size_t objects_touched(const LabSketch& from, const LabSketch& to) {
  Bench bench;
  must_apply(bench, desired_state(from));
  const std::size_t before = bench.host.touched();
  must_apply(bench, desired_state(to));
  return bench.host.touched() - before;
}

// At every object, each time in the next of the three ways; of a long way back
// only at every so many.
void check_every_fault(const LabSketch& from, const LabSketch& to, std::size_t stride = 1) {
  const std::size_t objects = objects_touched(from, to);
  for (std::size_t object = 0; object < objects; object += stride) {
    check_fault(from, to, {.object = object, .when = static_cast<Fault::When>(object % 3)});
  }
}

void check_order(const plan::Plan& plan) {
  for (std::size_t i = 0; i < plan.steps().size(); ++i) {
    for (const std::size_t before : plan.steps()[i].needs) {
      REQUIRE(before < i);
    }
  }
}

}  // namespace

TEST_CASE("property: every small lab comes up, stays, changes into the next, and goes") {
  const std::vector<LabSketch> labs = small_labs();
  for (std::size_t i = 0; i < labs.size(); ++i) {
    check_change(labs[i], labs[(i + 1) % labs.size()]);
  }
}

TEST_CASE("property: random labs change into one another") {
  std::mt19937 random(seed());
  for (unsigned i = 0; i < rounds(); ++i) {
    const LabSketch from = random_lab(random);
    check_change(from, i % 2 == 0 ? random_lab(random) : mutated(from, random));
  }
}

TEST_CASE("property: a lab that fails to come up leaves nothing, wherever it fails") {
  check_every_fault({}, webdb());
}

TEST_CASE("property: a lab that fails to change is as it was, wherever it fails") {
  LabSketch other = webdb();
  other.subnets[0] = {.name = "front", .number = 7, .mtu = 1400, .gateway = true};
  other.nodes[1].setup.push_back("false");
  other.nodes[2].own_user = false;
  other.links[0] = {.a = "client:l1", .b = "web:l1", .number = 2};
  check_every_fault(webdb(), other);
  check_every_fault(other, webdb(), 4);
}

TEST_CASE("property: a random lab that fails to change is as it was") {
  std::mt19937 random(seed() + 1);
  for (unsigned i = 0; i < rounds(); ++i) {
    const LabSketch from = random_lab(random);
    const LabSketch to = i % 2 == 0 ? random_lab(random) : mutated(from, random);
    const std::size_t objects = objects_touched(from, to);
    if (objects > 0) {
      check_fault(
          from, to, {.object = random() % objects, .when = static_cast<Fault::When>(random() % 3)});
    }
  }
}

TEST_CASE("property: whatever is lost is mended, and nothing else is touched") {
  const auto desired = desired_state(webdb());
  for (const auto& [id, each] : desired.resources) {
    INFO("lost: " << to_string(id));
    Bench bench;
    must_apply(bench, desired);
    bench.host.lose(id);
    must_apply(bench, desired);
    REQUIRE(print(bench.host.world) == world_of(webdb()));
  }
}

TEST_CASE("property: what others made is untouched") {
  std::mt19937 random(seed() + 2);
  for (unsigned i = 0; i < rounds(); ++i) {
    const LabSketch lab = random_lab(random);
    // In the lab's namespaces: as long as the node does not start again.
    LabSketch bigger = lab;
    bigger.nodes.push_back({.name = "extra", .number = 99});
    INFO(describe(lab));
    Bench bench;
    must_apply(bench, desired_state(lab));
    plant_foreign(bench.host);
    const auto foreign = [&] { return foreign_of(bench.host.world); };
    const std::string planted = print(foreign());
    must_apply(bench, desired_state(bigger));
    REQUIRE(print(foreign()) == planted);
    must_apply(bench, nothing());
    std::string left = print(bench.host.world);
    REQUIRE(left ==
            "foreign {\"kind\":\"cgroup\",\"node\":\"someone\",\"memory\":null,\"swap\":null,"
            "\"cpu-millis\":null,\"cpu-weight\":null,\"cpuset\":\"\",\"pids\":null,"
            "\"in-force\":true}\n"
            "foreign "
            "{\"kind\":\"netns\",\"name\":\"vpn\",\"userns\":\"\",\"named\":true,\"loopback-up\":"
            "true,\"clean\":true}\n"
            "foreign {\"kind\":\"link\",\"netns\":\"vpn\",\"name\":\"dummy0\"}\n");
  }
}

TEST_CASE("property: a plan is in the order of its edges, and the same each time") {
  std::mt19937 random(seed() + 3);
  for (unsigned i = 0; i < rounds(); ++i) {
    const auto from = desired_state(random_lab(random));
    const auto to = desired_state(random_lab(random));
    const auto plan = plan::diff(to, as_observed(from), &from);
    check_order(plan);
    REQUIRE(print(plan) == print(plan::diff(to, as_observed(from), &from)));
  }
}

TEST_CASE("property: the order of declaration does not matter to what comes of it") {
  std::mt19937 random(seed() + 4);
  for (unsigned i = 0; i < rounds(); ++i) {
    const LabSketch lab = random_lab(random);
    const LabSketch turned = shuffled(lab, random);
    INFO("lab:\n" << describe(lab) << "shuffled:\n" << describe(turned));
    Bench bench;
    must_apply(bench, desired_state(lab));
    // /etc/hosts lists the nodes in the order of the file.
    const plan::Plan plan = bench.plan(desired_state(turned));
    for (const plan::Step& step : plan.steps()) {
      REQUIRE(step.id.kind == resource::Kind::shared_file);
    }
  }
}
