#include "plan/plan.h"

#include <functional>

#include <catch2/catch.hpp>

#include "plan/halves.h"
#include "support/print.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::test;
using resource::Kind;

namespace {

using Edit = std::function<void(LabSketch&)>;

LabSketch edited(const Edit& edit) {
  LabSketch sketch = webdb();
  edit(sketch);
  return sketch;
}

// The plan from webdb(), running as it should, to an edited webdb().
std::string after(const Edit& edit) {
  const auto last = desired_state(webdb());
  return print(plan::diff(desired_state(edited(edit)), as_observed(last), &last));
}

// The plan for webdb() on a host on which somebody changed something.
std::string mending(const std::function<void(resource::ObservedState&)>& damage) {
  const auto desired = desired_state(webdb());
  auto observed = as_observed(desired);
  damage(observed);
  return print(plan::diff(desired, observed, &desired));
}

std::string halves_of(const Edit& edit) {
  const auto plan =
      plan::diff(desired_state(edited(edit)), as_observed(desired_state(webdb())), nullptr);
  std::string text;
  for (const plan::Step& half : plan::halves(plan)) {
    text += std::string(plan::kActionSymbols[static_cast<std::size_t>(half.action)]) + " " +
            to_string(half.id) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("diff: a lab that runs as it should needs nothing") {
  const auto desired = desired_state(webdb());
  const auto plan = plan::diff(desired, as_observed(desired));
  CHECK(plan.empty());
  CHECK(plan.kept() == desired.resources.size());
}

TEST_CASE("diff: a lab from nothing is made from the outside in") {
  LabSketch small{.subnets = {{.name = "net", .gateway = true}},
                  .nodes = {{.name = "web",
                             .number = 2,
                             .subnets = {"net"},
                             .setup = {"true"},
                             .services = {"http"},
                             .forwards = true}}};
  CHECK(print(plan::diff(desired_state(small), {})) == R"(+ lab
+ shared-file:/etc/hosts
+ cgroup:web
+ netns:@switch
+ netns:web
+ bridge:net
+ veth:web/eth0
+ address:web/eth0/10.1.0.2/24
+ route:web/default
+ node:web
+ sysctl:web/net.ipv4.ip_forward
+ setup:web/1
+ service:web/http
)");
}

TEST_CASE("diff: services start in their order across nodes, not in that of the file") {
  const auto plan = plan::diff(desired_state(webdb()), {});
  std::string services;
  for (const plan::Step& step : plan.steps()) {
    services += step.id.kind >= Kind::setup ? to_string(step.id) + " " : "";
  }
  CHECK(services == "service:db/store setup:web/1 service:web/http ");
}

TEST_CASE("diff: a changed mtu is a change, not a replace") {
  CHECK(after([](LabSketch& lab) { lab.subnets[1].mtu = 1400; }) ==
        R"(~ bridge:back (mtu 1500 → 1400)
~ veth:web/eth1 (a.mtu 1500 → 1400, b.mtu 1500 → 1400)
~ veth:db/eth0 (a.mtu 1500 → 1400, b.mtu 1500 → 1400)
)");
}

TEST_CASE("diff: hostname, file and limit change in place, and the node goes on") {
  CHECK(after([](LabSketch& lab) {
          lab.nodes[1].hostname = "web-01";
          lab.nodes[1].motd = "bye\n";
          lab.nodes[1].memory = 64U << 20U;
        }) == R"(~ cgroup:web (memory 134217728 → 67108864)
~ node:web (hostname web → web-01)
~ file:web/etc/motd (content 6 bytes → 4 bytes)
)");
}

TEST_CASE("diff: a changed setup command starts its node again, and cuts no cable") {
  CHECK(after([](LabSketch& lab) { lab.nodes[1].setup = {"false"}; }) ==
        R"(± node:web (setup:web/1 has changed)
+ file:web/etc/motd (goes with node:web)
+ setup:web/1 (goes with node:web)
+ service:web/http (goes with node:web)
)");
  CHECK(after([](LabSketch& lab) { lab.nodes[1].setup.clear(); }) ==
        R"(± node:web (setup:web/1 is gone)
+ file:web/etc/motd (goes with node:web)
+ service:web/http (goes with node:web)
. setup:web/1
)");
}

TEST_CASE("diff: one more setup command runs without a restart") {
  CHECK(after([](LabSketch& lab) { lab.nodes[1].setup.push_back("true"); }) == "+ setup:web/2\n");
}

TEST_CASE("diff: what goes with its container needs no step of its own") {
  CHECK(after([](LabSketch& lab) {
          lab.nodes.pop_back();
          lab.nodes[1].after.clear();
          lab.links.clear();
        }) == R"(- node:db
- userns:db
- cgroup:db
~ shared-file:/etc/hosts (content 40 bytes → 35 bytes)
. netns:db
. veth:client/l1
. veth:db/eth0
. address:client/l1/172.16.1.1/30
. address:db/eth0/10.2.0.4/24
. address:db/l1/172.16.1.2/30
. mount:db/data
. service:db/store
)");
  CHECK(print(plan::diff(nothing(), as_observed(desired_state({.nodes = {{.name = "a"}}})))) ==
        R"(- lab
. shared-file:/etc/hosts
. cgroup:a
. netns:a
. node:a
)");
}

TEST_CASE(
    "diff: a node whose user namespace goes is made anew, and its neighbours' ends come back") {
  CHECK(after([](LabSketch& lab) { lab.nodes[2].own_user = false; }) == R"(- userns:db
+ netns:db (goes with userns:db)
+ veth:db/eth0 (goes with netns:db)
+ veth:client/l1 (goes with netns:db)
+ address:db/eth0/10.2.0.4/24 (goes with netns:db)
+ address:client/l1/172.16.1.1/30 (goes with veth:client/l1)
+ address:db/l1/172.16.1.2/30 (goes with netns:db)
± node:db (namespaces.user private → host)
+ mount:db/data (goes with node:db)
+ service:db/store (goes with node:db)
)");
}

TEST_CASE("diff: a moved subnet changes addresses, and replaces the routes that go with them") {
  CHECK(after([](LabSketch& lab) { lab.subnets[0].number = 9; }) ==
        R"(- address:client/eth0/10.1.0.2/24
- address:web/eth0/10.1.0.3/24
+ address:client/eth0/10.9.0.2/24
+ address:web/eth0/10.9.0.3/24
± route:client/default (via 10.1.0.254 → 10.9.0.254)
± route:web/default (via 10.1.0.254 → 10.9.0.254)
)");
}

TEST_CASE("diff: an interface that changes cables takes its address along") {
  CHECK(after([](LabSketch& lab) { lab.links[0] = {.a = "db:l1", .b = "web:l1"}; }) ==
        R"(- veth:client/l1
+ veth:db/l1
+ address:db/l1/172.16.1.1/30
+ address:web/l1/172.16.1.2/30
. address:client/l1/172.16.1.1/30
. address:db/l1/172.16.1.2/30
)");
}

TEST_CASE("diff: what changed without the file is drift") {
  CHECK(mending([](resource::ObservedState& host) {
          host.resources.erase({Kind::service, "web/http"});
          auto& veth = host.resources.at(resource::veth_id("db", "eth0")).spec;
          std::get<resource::Veth>(veth).a.up = false;
        }) == R"(~ veth:db/eth0 (a.up no → yes, drift)
+ service:web/http (missing, drift)
)");
}

TEST_CASE("diff: what goes only because something else does is no drift") {
  const auto last = desired_state(webdb());
  const auto changed = desired_state(edited([](LabSketch& lab) { lab.nodes[1].setup[0] = "x"; }));
  const auto plan = plan::diff(changed, as_observed(last), &last);
  for (const plan::Step& step : plan.steps()) {
    INFO(to_string(step.id));
    CHECK_FALSE(step.drift);
  }
}

TEST_CASE("diff: what others made in a node stays until the node starts again") {
  const auto plant = [](resource::ObservedState& host) {
    host.add(resource::Link{"web", "dummy0"}, false);
    host.add(resource::Address{"web", "dummy0", IpPrefix::parse("10.9.9.9/24").value()}, false);
  };
  CHECK(mending(plant).empty());
  CHECK(mending([&](resource::ObservedState& host) {
          plant(host);
          host.resources.erase(resource::node_id("web"));
        }).starts_with(R"(- address:web/dummy0/10.9.9.9/24 (left from before node:web starts again)
- link:web/dummy0 (left from before node:web starts again)
+ node:web (missing, drift)
)"));
}

TEST_CASE("diff: a name that others have taken is a conflict") {
  CHECK(print(plan::diff(desired_state({.nodes = {{.name = "web"}}}),
                         [] {
                           resource::ObservedState host;
                           host.add(resource::NetNs{.name = "web"}, false);
                           return host;
                         }()))
            .ends_with("! netns:web exists on this host and nslab did not make it\n"));
  const auto plan =
      plan::diff(desired_state(edited([](LabSketch& lab) { lab.links[0].b = "db:l7"; })), [] {
        auto host = as_observed(desired_state(webdb()));
        host.add(resource::Link{"db", "l7"}, false);
        return host;
      }());
  REQUIRE(plan.conflicts().size() == 1);
  CHECK(plan.conflicts()[0].message == "node 'db' has an interface 'l7' that nslab did not make");
  CHECK(plan.conflicts()[0].where.known());
}

TEST_CASE("diff: look-alikes beside the lab do not go with it") {
  auto host = as_observed(desired_state({.nodes = {{.name = "a"}}}));
  host.add(resource::NetNs{.name = "vpn"}, false);
  const auto plan = plan::diff(nothing(), host);
  CHECK(print(plan).find("vpn") == std::string::npos);
}

TEST_CASE("diff: a lab that was cut short while it was made is made anew") {
  resource::ObservedState host;
  host.add(resource::Lab{.name = "lab", .whole = false});
  CHECK(print(plan::diff(desired_state({}), host)) == R"(± lab (whole no → yes)
+ shared-file:/etc/hosts
)");
}

TEST_CASE("diff: services that wait for each other are an error, not forgotten") {
  resource::DesiredState state{.lab = "lab"};
  state.add(resource::Service{.node = "a", .name = "x"}, {}, {resource::service_id("a", "y")});
  state.add(resource::Service{.node = "a", .name = "y"}, {}, {resource::service_id("a", "x")});
  const auto plan = plan::diff(state, {});
  CHECK(print(plan) ==
        "! objects wait for each other: service:a/x -> service:a/y -> service:a/x\n");
}

TEST_CASE("halves: what is replaced goes before anything comes, innermost first") {
  CHECK(halves_of([](LabSketch& lab) {
          lab.links[0].b = "web:l1";
          lab.nodes[1].setup = {"false"};
          lab.nodes[2].tmpfs += 4096;
        }) == R"(- mount:db/data
- node:web
- veth:client/l1
+ veth:client/l1
+ address:client/l1/172.16.1.1/30
+ address:web/l1/172.16.1.2/30
+ node:web
+ mount:db/data
+ file:web/etc/motd
+ setup:web/1
+ service:web/http
)");
}
