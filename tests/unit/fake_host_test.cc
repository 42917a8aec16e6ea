#include "support/fake_host.h"

#include <catch2/catch.hpp>

#include "support/print.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::test;
using resource::Kind;

namespace {

FakeHost running_webdb() {
  FakeHost host;
  host.world = as_observed(desired_state(webdb()));
  return host;
}

}  // namespace

TEST_CASE("fake host: what lives in an object goes with it, by either end of a cable") {
  FakeHost host = running_webdb();
  host.lose(resource::netns_id("db"));
  const auto has = [&](Kind kind, const char* name) {
    return host.world.resources.contains({kind, name});
  };
  CHECK_FALSE(has(Kind::veth, "client/l1"));  // its second end was in db
  CHECK_FALSE(has(Kind::address, "client/l1/172.16.1.1/30"));
  CHECK_FALSE(has(Kind::address, "db/eth0/10.2.0.4/24"));
  CHECK(has(Kind::node, "db"));
  CHECK(has(Kind::address, "client/eth0/10.1.0.2/24"));
  host.lose(resource::kLabId);
  CHECK(host.world.resources.empty());
}

TEST_CASE("fake host: an interface's last address takes its routes along") {
  FakeHost host = running_webdb();
  host.lose({Kind::address, "web/eth0/10.1.0.3/24"});
  CHECK_FALSE(host.world.resources.contains({Kind::route, "web/default"}));
  CHECK(host.world.resources.contains({Kind::route, "client/default"}));
}

TEST_CASE("fake host: an object needs what it lives in, and a free name") {
  FakeHost host;
  const resource::Spec netns = resource::NetNs{.name = "web"};
  const resource::Spec lab = resource::Lab{.name = "lab"};
  const std::vector<const resource::Spec*> batch{&netns};
  REQUIRE(host.create(batch)->error.os_error == ENOENT);
  const std::vector<const resource::Spec*> both{&lab, &netns};
  REQUIRE_FALSE(host.create(both));
  REQUIRE(host.create(batch)->error.os_error == EEXIST);
}

TEST_CASE("fake host: a name is in use until the kernel has let go of it") {
  FakeHost host = running_webdb();
  const resource::Spec veth = host.world.resources.at(resource::veth_id("db", "eth0")).spec;
  const resource::Spec netns = host.world.resources.at(resource::netns_id("db")).spec;
  const std::vector<const resource::Spec*> namespaces{&netns};
  REQUIRE_FALSE(host.destroy(namespaces));
  REQUIRE_FALSE(host.create(namespaces));
  const std::vector<const resource::Spec*> batch{&veth};
  REQUIRE(host.create(batch)->error.os_error == EEXIST);
  REQUIRE(host.settle());
  REQUIRE_FALSE(host.create(batch));
}

TEST_CASE("fake host: fails at the object that it was told, before or after it is done") {
  const resource::Spec lab = resource::Lab{.name = "lab"};
  const resource::Spec one = resource::Cgroup{.node = "one"};
  const resource::Spec two = resource::Cgroup{.node = "two"};
  const std::vector<const resource::Spec*> batch{&lab, &one, &two};
  const auto left_by = [&](Fault::When when) {
    FakeHost host;
    host.fail({.object = 1, .when = when});
    const auto outcome = host.create(batch);
    REQUIRE(outcome);
    CHECK(outcome->index == 1);
    CHECK(host.has_failed());
    return host.world.resources.size();
  };
  CHECK(left_by(Fault::When::before) == 1);
  CHECK(left_by(Fault::When::after) == 2);
  CHECK(left_by(Fault::When::after_others) == 2);
}
