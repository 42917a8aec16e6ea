#include "reconcile/executor.h"

#include <set>

#include <catch2/catch.hpp>

#include "support/bench.h"
#include "support/print.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::test;

namespace {

// Writes down what it is told: "+ cgroup 2 (1/9)".
class Listener : public reconcile::Progress {
 public:
  void begin(std::span<const plan::Step> steps, std::size_t done, std::size_t all) override {
    const plan::Step& first = steps.front();
    heard.push_back(std::string(plan::kActionSymbols[static_cast<std::size_t>(first.action)]) +
                    " " +
                    std::string(resource::kKindNames[static_cast<std::size_t>(first.id.kind)]) +
                    " " + std::to_string(steps.size()) + " (" + std::to_string(done) + "/" +
                    std::to_string(all) + ")");
  }

  void stage(const char* name) override { heard.emplace_back(name); }

  std::vector<std::string> heard;
};

const LabSketch kTwo{.subnets = {{.name = "net"}},
                     .nodes = {{.name = "a", .number = 1, .subnets = {"net"}},
                               {.name = "b",
                                .number = 2,
                                .subnets = {"net"},
                                .services = {"one", "two"},
                                .own_user = true}}};

}  // namespace

TEST_CASE("execute: a call for all objects of one kind, but for those that wait for each other") {
  FakeHost host;
  Profile profile;
  Listener listener;
  const auto plan = plan::diff(desired_state(kTwo), {});
  REQUIRE(reconcile::execute(plan, host, listener, profile));
  CHECK(host.calls ==
        std::vector<std::string>{"create lab",
                                 "create shared-file:/etc/hosts",
                                 "create cgroup:a cgroup:b",
                                 "create userns:b",
                                 "create netns:@switch netns:a netns:b",
                                 "create bridge:net",
                                 "create veth:a/eth0 veth:b/eth0",
                                 "create address:a/eth0/10.1.0.1/24 address:b/eth0/10.1.0.2/24",
                                 "create node:a node:b",
                                 "create service:b/one",
                                 "create service:b/two"});
  CHECK(listener.heard.front() == "+ lab 1 (0/17)");
  CHECK(listener.heard.back() == "+ service 1 (16/17)");
}

TEST_CASE("execute: two cables swap their ends") {
  const LabSketch before{
      .nodes = {{.name = "a"}, {.name = "b"}},
      .links = {{.a = "a:l1", .b = "b:l1", .number = 1}, {.a = "a:l2", .b = "b:l2", .number = 2}}};
  LabSketch after = before;
  std::swap(after.links[0].b, after.links[1].b);
  after.links.insert(after.links.begin() + 1, {.a = "a:l3", .b = "b:l3", .number = 3});
  FakeHost host;
  Profile profile;
  host.world = as_observed(desired_state(before));
  Silent silent;
  REQUIRE(reconcile::execute(plan::diff(desired_state(after), host.world), host, silent, profile));
  CHECK(print(host.world) == print(as_observed(desired_state(after))));
  CHECK(host.calls.front() == "destroy veth:a/l2 veth:a/l1");
}

TEST_CASE("execute: names that a dying namespace holds are waited for") {
  FakeHost host;
  Profile profile;
  host.world = as_observed(desired_state(kTwo));
  LabSketch after = kTwo;
  after.nodes[1].own_user = false;
  Silent silent;
  REQUIRE(reconcile::execute(plan::diff(desired_state(after), host.world), host, silent, profile));
  CHECK(host.calls == std::vector<std::string>{"destroy node:b",
                                               "destroy userns:b",
                                               "settle",
                                               "create netns:b",
                                               "create veth:b/eth0",
                                               "create address:b/eth0/10.1.0.2/24",
                                               "create node:b",
                                               "create service:b/one",
                                               "create service:b/two"});
}

TEST_CASE("execute: the failure says what was being done, for which line") {
  FakeHost host;
  Profile profile;
  host.fail({.object = 5, .os_error = 28});
  Silent silent;
  const auto plan = plan::diff(desired_state(kTwo), {});
  const auto done = reconcile::execute(plan, host, silent, profile);
  REQUIRE_FALSE(done);
  CHECK(to_string(done.error()) ==
        "creating netns:@switch: the fault of the test: No space left on device (ENOSPC)");
  CHECK(done.error().where.line == 3);
  CHECK(*done.error().where.file == "lab.yaml");
  CHECK(host.calls.size() == 5);
}

TEST_CASE("execute: each kind of batch is a phase") {
  FakeHost host;
  Profile profile;
  Silent silent;
  REQUIRE(reconcile::execute(plan::diff(desired_state(kTwo), {}), host, silent, profile));
  std::vector<std::string> names;
  for (const Phase& phase : profile.phases()) {
    names.push_back(phase.name);
  }
  const std::set<std::string> distinct(names.begin(), names.end());
  CHECK(distinct.size() == names.size());
  CHECK(names.front() == "create lab");
  CHECK(distinct.contains("create node"));
}

TEST_CASE("execute: an interrupt stops between two calls") {
  FakeHost host;
  Profile profile;
  Silent silent;
  host.interrupt = [&] { return host.calls.size() == 2; };
  const auto done = reconcile::execute(plan::diff(desired_state(kTwo), {}), host, silent, profile);
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == ErrorKind::interrupted);
  CHECK(host.calls.size() == 2);
}

TEST_CASE("execute: nodes are made beside the network that none of them needs") {
  FakeHost host;
  host.side_by_side = true;
  Profile profile;
  Listener listener;
  const auto plan = plan::diff(desired_state(kTwo), {});
  REQUIRE(reconcile::execute(plan, host, listener, profile));
  CHECK(print(host.world) == print(as_observed(desired_state(kTwo))));
  CHECK(std::ranges::count(profile.phases(), "create nodes and network", &Phase::name) == 1);
  const std::vector<std::string> beside(listener.heard.begin() + 5, listener.heard.begin() + 9);
  CHECK(beside ==
        std::vector<std::string>{
            "+ node 2 (8/17)", "+ bridge 1 (8/17)", "+ veth 2 (9/17)", "+ address 2 (11/17)"});
}

TEST_CASE("execute: an interrupt ends it between what is laid beside the nodes, too") {
  const auto plan = plan::diff(desired_state(kTwo), {});
  FakeHost host;
  host.side_by_side = true;
  Profile profile;
  Listener listener;
  host.interrupt = [&] {
    return !listener.heard.empty() && listener.heard.back().starts_with("+ bridge");
  };
  const auto ended = reconcile::execute(plan, host, listener, profile);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().kind == ErrorKind::interrupted);
  CHECK(host.world.resources.contains({resource::Kind::bridge, "net"}));
  CHECK_FALSE(host.world.resources.contains(resource::veth_id("a", "eth0")));
}

TEST_CASE("execute: what fails beside something else is told all the same") {
  const auto plan = plan::diff(desired_state(kTwo), {});
  // Something has the name of what is to be made.
  for (const resource::Spec& taken : {resource::Spec(resource::Bridge{.name = "net"}),
                                      resource::Spec(resource::Node{.name = "a"})}) {
    FakeHost host;
    host.side_by_side = true;
    host.world.add(taken);
    Profile profile;
    Silent silent;
    const auto failed = reconcile::execute(plan, host, silent, profile);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().context.back() == "creating " + to_string(id_of(taken)));
    CHECK(failed.error().os_error == EEXIST);
  }
}
