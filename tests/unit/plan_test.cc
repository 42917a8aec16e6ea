#include "plan/plan.h"

#include <algorithm>
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
~ veth:web/eth1 (web:eth1 mtu 1500 → 1400, port web.eth1 mtu 1500 → 1400)
~ veth:db/eth0 (db:eth0 mtu 1500 → 1400, port db.eth0 mtu 1500 → 1400)
)");
}

TEST_CASE("diff: hostname, file and limit change in place, and the node goes on") {
  CHECK(after([](LabSketch& lab) {
          lab.nodes[1].hostname = "web-01";
          lab.nodes[1].motd = "bye\n";
          lab.nodes[1].memory = 64U << 20U;
        }) == R"(~ cgroup:web (memory 134217728 → 67108864)
~ node:web (hostname web → web-01, hostname-in-the-file no → yes)
~ file:web/etc/motd (content 6 bytes → 4 bytes)
)");
}

TEST_CASE("diff: a changed setup command starts its node again, and cuts no cable") {
  CHECK(after([](LabSketch& lab) { lab.nodes[1].setup = {"false"}; }) ==
        R"(~ netns:web (a clean network namespace, since node:web starts again)
~ veth:web/eth0 (moves into the clean netns:web)
~ veth:web/eth1 (moves into the clean netns:web)
+ address:web/eth0/10.1.0.3/24 (goes with netns:web)
+ address:web/eth1/10.2.0.3/24 (goes with netns:web)
+ route:web/default (goes with netns:web)
± node:web (setup:web/1 has changed)
+ sysctl:web/net.ipv4.ip_forward (goes with netns:web)
+ file:web/etc/motd (goes with node:web)
+ setup:web/1 (goes with node:web)
+ service:web/http (goes with node:web)
)");
  CHECK(after([](LabSketch& lab) { lab.nodes[1].setup.clear(); }) ==
        R"(~ netns:web (a clean network namespace, since node:web starts again)
~ veth:web/eth0 (moves into the clean netns:web)
~ veth:web/eth1 (moves into the clean netns:web)
+ address:web/eth0/10.1.0.3/24 (goes with netns:web)
+ address:web/eth1/10.2.0.3/24 (goes with netns:web)
+ route:web/default (goes with netns:web)
± node:web (setup:web/1 is gone)
+ sysctl:web/net.ipv4.ip_forward (goes with netns:web)
+ file:web/etc/motd (goes with node:web)
+ service:web/http (goes with node:web)
. setup:web/1
)");
}

TEST_CASE("diff: a node that starts again tells when its files are lost") {
  const auto restarted = [](const std::function<void(resource::Node&)>& edit) {
    const auto before = desired_state(webdb());
    auto desired = before;
    auto observed = as_observed(before);
    auto& wanted = std::get<resource::Node>(desired.resources.at(resource::node_id("web")).spec);
    std::get<resource::Node>(observed.resources.at(resource::node_id("web")).spec).stale =
        "/srv is new";
    edit(wanted);
    for (const plan::Step& step : plan::diff(desired, observed, &before).steps()) {
      if (step.id == resource::node_id("web")) {
        return step.reason;
      }
    }
    return std::string("no step");
  };
  const auto same = [](resource::Node&) {};
  CHECK(restarted(same).find("lost") == std::string::npos);
  CHECK(restarted(same).find("/srv is new") != std::string::npos);
  CHECK(restarted([](auto& node) { node.keep = false; }).ends_with("; its files are lost"));
  CHECK(restarted([](auto& node) { node.root = "/srv/other"; }).ends_with("; its files are lost"));
  CHECK(restarted([](auto& node) { node.root = "host"; }).ends_with("; its files are lost"));
  CHECK(restarted([](auto& node) {
          node.ns(resource::NsType::user) = {.mode = resource::NsChoice::Mode::own};
        }).ends_with("; its files are lost"));
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
± node:db (namespaces.user private → host; its files are lost)
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
        }) == R"(~ veth:db/eth0 (db:eth0 up no → yes, drift)
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

TEST_CASE("diff: what goes with the lab is made, not replaced, whatever it ran") {
  const auto last = desired_state(webdb());
  auto host = as_observed(last);
  std::get<resource::Lab>(host.resources.at(resource::kLabId).spec).whole = false;
  const auto plan = plan::diff(last, host, &last);
  for (const plan::Step& step : plan.steps()) {
    INFO(to_string(step.id));
    CHECK((step.action == plan::Action::create) == (step.id.kind != Kind::lab));
    CHECK(step.before.has_value() == (step.id.kind == Kind::lab));
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
        }) == R"(~ netns:web (a clean network namespace, since node:web starts again)
~ veth:web/eth0 (moves into the clean netns:web)
~ veth:web/eth1 (moves into the clean netns:web)
+ address:web/eth0/10.1.0.3/24 (goes with netns:web)
+ address:web/eth1/10.2.0.3/24 (goes with netns:web)
+ route:web/default (goes with netns:web)
+ node:web (missing, drift)
+ sysctl:web/net.ipv4.ip_forward (goes with netns:web)
. link:web/dummy0
. address:web/dummy0/10.9.9.9/24
)");
}

TEST_CASE("diff: the step that moves an end finds it as a move leaves it") {
  const auto last = desired_state(webdb());
  const auto changed = desired_state(edited([](LabSketch& lab) { lab.nodes[1].setup[0] = "x"; }));
  const auto plan = plan::diff(changed, as_observed(last));
  const auto step =
      std::ranges::find(plan.steps(), resource::veth_id("web", "eth0"), &plan::Step::id);
  REQUIRE(step != plan.steps().end());
  const auto& before = std::get<resource::Veth>(*step->before);
  CHECK_FALSE(before.a.up);
  CHECK(before.b.up);
  CHECK(before.b.bridge == "front");
}

namespace {

// a, and b in its network namespace; both run setup lines. c has a cable to a, and none.
LabSketch sharing() {
  return {.nodes = {{.name = "a", .number = 2, .setup = {"true"}},
                    {.name = "b", .number = 3, .setup = {"true"}, .net_of = "a"},
                    {.name = "c", .number = 4}},
          .links = {{.a = "a:l1", .b = "c:l1", .number = 1}}};
}

std::string sharing_after(const Edit& edit,
                          const std::function<void(resource::ObservedState&)>& damage = {}) {
  const auto last = desired_state(sharing());
  auto sketch = sharing();
  edit(sketch);
  auto observed = as_observed(last);
  if (damage) {
    damage(observed);
  }
  return print(plan::diff(desired_state(sketch), observed, &last));
}

void no_edit(LabSketch& /*lab*/) {}

}  // namespace

TEST_CASE("diff: nodes that share a network namespace start again together") {
  CHECK(sharing_after([](LabSketch& lab) { lab.nodes[1].setup[0] = "x"; }) ==
        R"(~ netns:a (a clean network namespace, since node:b starts again)
~ veth:a/l1 (moves into the clean netns:a)
+ address:a/l1/172.16.1.1/30 (goes with netns:a)
± node:a (it shares netns:a)
± node:b (setup:b/1 has changed)
+ setup:a/1 (goes with node:a)
+ setup:b/1 (goes with node:b)
)");
}

TEST_CASE("diff: a node that shares a network namespace leaves nothing in it") {
  CHECK(sharing_after([](LabSketch& lab) {
          lab.nodes.erase(lab.nodes.begin() + 1);
        }).find("~ netns:a (a clean network namespace, since node:b goes)") != std::string::npos);
  CHECK(sharing_after(no_edit, [](resource::ObservedState& host) {
          host.resources.erase(resource::node_id("b"));
          host.resources.erase({Kind::setup, "b/1"});
        }).find("± node:a (it shares netns:a)") != std::string::npos);
}

TEST_CASE("diff: a new node in another's network namespace starts that one not again") {
  CHECK(sharing_after([](LabSketch& lab) {
          lab.nodes.push_back({.name = "d", .number = 5, .setup = {"true"}, .net_of = "a"});
        }).find("node:a") == std::string::npos);
}

TEST_CASE("diff: who ran setup starts again when its interface is made anew, and nobody else") {
  const std::string lost = sharing_after(no_edit, [](resource::ObservedState& host) {
    host.resources.erase(resource::veth_id("a", "l1"));
    host.resources.erase({Kind::address, "a/l1/172.16.1.1/30"});
    host.resources.erase({Kind::address, "c/l1/172.16.1.2/30"});
  });
  CHECK(lost == R"(~ netns:a (a clean network namespace, since node:a starts again)
+ veth:a/l1 (missing, drift)
+ address:a/l1/172.16.1.1/30 (missing, drift)
+ address:c/l1/172.16.1.2/30 (missing, drift)
± node:a (l1 is made anew, and what setup did to it is lost)
± node:b (l1 is made anew, and what setup did to it is lost)
+ setup:a/1 (goes with node:a)
+ setup:b/1 (goes with node:b)
)");
  const std::string replaced = sharing_after([](LabSketch& lab) { lab.links[0].b = "c:l2"; });
  CHECK(replaced.find("± node:a (l1 is made anew") != std::string::npos);
  CHECK(replaced.find("node:c") == std::string::npos);
}

TEST_CASE("diff: a cable that the file has got just now starts nobody again") {
  CHECK(sharing_after([](LabSketch& lab) {
          lab.links.push_back({.a = "a:l2", .b = "c:l2", .number = 2});
        }).find("node:") == std::string::npos);
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
        }) == R"(- node:web
- veth:client/l1
~ netns:web
~ veth:web/eth0
~ veth:web/eth1
+ veth:client/l1
+ address:web/eth0/10.1.0.3/24
+ address:web/eth1/10.2.0.3/24
+ address:client/l1/172.16.1.1/30
+ address:web/l1/172.16.1.2/30
+ route:web/default
+ node:web
+ sysctl:web/net.ipv4.ip_forward
~ mount:db/data
+ file:web/etc/motd
+ setup:web/1
+ service:web/http
)");
}
