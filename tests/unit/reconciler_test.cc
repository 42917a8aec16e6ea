#include "reconcile/reconciler.h"

#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

#include "support/bench.h"
#include "support/print.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::test;

namespace {

LabSketch changed_webdb() {
  LabSketch lab = webdb();
  lab.subnets[1].mtu = 1400;
  lab.nodes[1].setup = {"false"};
  return lab;
}

std::string webdb_world() {
  return print(as_observed(desired_state(webdb())));
}

}  // namespace

TEST_CASE("apply: brings a lab up, and writes down what it is") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(webdb()), {.source = {.file = "/webdb.yaml"}}));
  CHECK(print(bench.host.world) == webdb_world());
  const auto record = bench.store.load("lab");
  REQUIRE(record.applied);
  CHECK(record.applied->file == "/webdb.yaml");
  CHECK(record.applied->text == webdb_world());
  CHECK_FALSE(record.intended);
}

TEST_CASE("apply: a lab that is up already is looked at, and no more") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(webdb())));
  bench.host.calls.clear();
  REQUIRE_FALSE(bench.apply(desired_state(webdb())));
  CHECK(bench.host.calls == std::vector<std::string>{"observe"});
}

TEST_CASE("apply: what the kernel lost on the way is made in a second pass") {
  Bench bench;
  LabSketch lab{.subnets = {{.name = "net", .gateway = true}},
                .nodes = {{.name = "a", .number = 7, .subnets = {"net"}}}};
  REQUIRE_FALSE(bench.apply(desired_state(lab)));
  // The node's address changes, the route by its interface does not.
  lab.nodes[0].number = 8;
  REQUIRE_FALSE(bench.apply(desired_state(lab)));
  CHECK(print(bench.host.world) == print(as_observed(desired_state(lab))));
  CHECK(std::ranges::find(bench.host.calls, "create route:a/default") != bench.host.calls.end());
}

TEST_CASE("apply: a host that cannot run the lab is not touched") {
  Bench bench;
  bench.host.missing = {Error{.kind = ErrorKind::missing, .message = "no overlayfs"}};
  const auto failed = bench.apply(desired_state(webdb()));
  REQUIRE(failed);
  CHECK(to_string(*failed) == "no overlayfs");
  CHECK(failed->rolled_back);
  CHECK(bench.host.touched() == 0);
  CHECK_FALSE(std::filesystem::exists(bench.store.directory()));
}

TEST_CASE("apply: a conflict is told, and nothing touched") {
  Bench bench;
  bench.host.world.add(resource::NetNs{.name = "web"}, false);
  const auto failed = bench.apply(desired_state(webdb()));
  REQUIRE(failed);
  CHECK(to_string(*failed) == "netns:web exists on this host and nslab did not make it");
  CHECK(bench.host.touched() == 0);
}

TEST_CASE("apply: a conflict is told where there is nothing to do but for it") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(webdb())));
  bench.host.world.resources.at(resource::netns_id("web")).ours = false;
  const auto failed = bench.apply(desired_state(webdb()));
  REQUIRE(failed);
  CHECK(to_string(*failed) == "netns:web exists on this host and nslab did not make it");
}

TEST_CASE("apply: a failed one goes back to nothing where nothing was") {
  Bench bench;
  bench.host.fail({.object = 20, .when = Fault::When::after});
  const auto failed = bench.apply(desired_state(webdb()));
  REQUIRE(failed);
  CHECK(failed->rolled_back);
  CHECK(bench.host.world.resources.empty());
  CHECK(bench.store.load("lab") == state::LabRecord{});
}

TEST_CASE("apply: a service that does not stand fails it, where the file asks for it") {
  Bench bench;
  LabSketch lab{.nodes = {{.name = "a", .services = {"server"}}}};
  bench.host.short_lived = {"server"};
  const auto failed = bench.apply(desired_state(lab));
  REQUIRE(failed);
  CHECK(to_string(*failed) == "creating service:a/server: it has ended");
  CHECK(failed->rolled_back);
  CHECK(bench.host.world.resources.empty());
}

TEST_CASE("apply: a failed one goes back to the lab that was, record and all") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(webdb()), {.source = {.file = "/webdb.yaml"}}));
  bench.host.fail({.object = 4});
  const auto failed =
      bench.apply(desired_state(changed_webdb()), {.source = {.file = "/other.yaml"}});
  REQUIRE(failed);
  CHECK(failed->rolled_back);
  CHECK(print(bench.host.world) == webdb_world());
  const auto record = bench.store.load("lab");
  REQUIRE(record.applied);
  CHECK(record.applied->file == "/webdb.yaml");
  CHECK_FALSE(record.intended);
}

TEST_CASE("apply: a file that says the same in other words is written down, and no more") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(webdb()), {.source = {.file = "/webdb.yaml"}}));
  bench.host.calls.clear();
  REQUIRE_FALSE(bench.apply(desired_state(webdb()), {.source = {.file = "/moved.yaml"}}));
  CHECK(bench.host.calls == std::vector<std::string>{"observe"});
  CHECK(bench.store.load("lab").file() == "/moved.yaml");
  CHECK_FALSE(bench.store.load("lab").intended);
}

TEST_CASE("apply: without a record it goes back to what was running") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(webdb())));
  REQUIRE(bench.store.remove("lab"));
  bench.host.fail({.object = 4});
  const auto failed = bench.apply(desired_state(changed_webdb()));
  REQUIRE(failed);
  INFO(to_string(*failed));
  CHECK(failed->rolled_back);
  CHECK(print(bench.host.world) == webdb_world());
}

TEST_CASE("apply: the wreck of a command that was killed is not kept") {
  Bench bench;
  bench.host.fail({.object = 20});
  REQUIRE(bench.apply(desired_state(webdb()), {.keep_wreck = true}));
  REQUIRE(bench.store.load("lab").intended);
  bench.host.fail({.object = 4});
  const auto failed = bench.apply(desired_state(webdb()));
  REQUIRE(failed);
  CHECK(failed->rolled_back);
  CHECK(bench.host.world.resources.empty());
  CHECK_FALSE(std::filesystem::exists(bench.store.directory()));
}

TEST_CASE("apply: an interrupt rolls back, and does not interrupt that") {
  Bench bench;
  bench.host.interrupt = [&] { return bench.host.touched() >= 10; };
  const auto failed = bench.apply(desired_state(webdb()));
  REQUIRE(failed);
  CHECK(failed->errors.front().kind == ErrorKind::interrupted);
  CHECK(failed->rolled_back);
  CHECK(bench.host.world.resources.empty());
}

TEST_CASE("apply: a host that cannot be read any more is said not to be rolled back") {
  Bench bench;
  bench.host.go_blind(true);
  CHECK(bench.apply(desired_state(webdb()))->rolled_back);  // nothing was done yet
  bench.host.go_blind(false);
  REQUIRE_FALSE(bench.apply(desired_state({})));
  Silent silent;
  // Blind from the first change on.
  bench.host.interrupt = [&] {
    bench.host.go_blind(true);
    return true;
  };
  reconcile::Reconciler reconciler(
      bench.host, bench.store, silent, [](const std::string&, const state::LabSource&) {
        return std::optional<resource::DesiredState>();
      });
  reconcile::Report report;
  const auto failed = reconciler.apply(desired_state(webdb()), {}, report);
  REQUIRE(failed);
  CHECK_FALSE(failed->rolled_back);
  CHECK(to_string(*failed) ==
        "interrupted; not rolled back: reading the interfaces: Operation not permitted (EPERM)");
}

TEST_CASE("apply: nothing is done where it cannot be written down first") {
  Bench bench;
  write_file(bench.store.directory(), "a file");
  const auto failed = bench.apply(desired_state(webdb()));
  REQUIRE(failed);
  CHECK(failed->rolled_back);
  CHECK(bench.host.touched() == 0);
}

TEST_CASE("apply: to nothing removes lab and record, whatever is left of either") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(nothing()));
  REQUIRE_FALSE(bench.apply(desired_state(webdb())));
  REQUIRE(bench.store.remove("lab"));
  bench.host.lose(resource::netns_id("db"));
  REQUIRE_FALSE(bench.apply(nothing()));
  CHECK(bench.host.world.resources.empty());
  CHECK_FALSE(std::filesystem::exists(bench.store.directory()));
}

TEST_CASE("apply: to nothing does not look at what goes along, unless it is to be shown") {
  Bench bench;
  const auto first_look = [&](bool shown) {
    REQUIRE_FALSE(bench.apply(desired_state(webdb())));
    bench.host.calls.clear();
    REQUIRE_FALSE(bench.apply(nothing(), {.keep_wreck = true, .shown = shown}));
    CHECK(bench.host.world.resources.empty());
    return bench.host.calls.front();
  };
  CHECK(first_look(false) == "observe only");
  CHECK(first_look(true) == "observe");
}

TEST_CASE("plan: shows drift, and does nothing") {
  Bench bench;
  REQUIRE_FALSE(bench.apply(desired_state(webdb())));
  bench.host.lose({resource::Kind::service, "web/http"});
  CHECK(print(bench.plan(desired_state(webdb()))) == "+ service:web/http (missing, drift)\n");
  CHECK_FALSE(bench.host.world.resources.contains({resource::Kind::service, "web/http"}));
}
