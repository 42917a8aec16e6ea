#include "resource/difference.h"

#include <catch2/catch.hpp>

using namespace nslab;
using namespace nslab::resource;

namespace {

std::string reason(const Spec& before, const Spec& after) {
  return to_string(differences(before, after));
}

}  // namespace

TEST_CASE("difference: equal specs do not differ") {
  CHECK(differences(Bridge{.name = "a"}, Bridge{.name = "a"}).empty());
}

TEST_CASE("difference: each field by its name, as a person reads it") {
  CHECK(reason(Bridge{.name = "a"}, Bridge{.name = "a", .mtu = 9000, .up = false}) ==
        "mtu 1500 → 9000, up yes → no");
  CHECK(reason(Cgroup{.node = "a"}, Cgroup{.node = "a", .memory = 4096, .cpuset = "0-1"}) ==
        "memory none → 4096, cpuset none → 0-1");
  CHECK(reason(Service{.argv = {"a"}}, Service{.argv = {"a", "b"}}) == R"(argv ["a"] → ["a","b"])");
}

TEST_CASE("difference: the ends of a cable field by field") {
  Veth before{.a = {.netns = "web", .name = "eth0"}, .b = {.netns = "db", .name = "eth0"}};
  Veth after = before;
  after.a.mtu = 9000;
  after.b.netns = "client";
  const auto found = differences(before, after);
  REQUIRE(found.size() == 2);
  CHECK(to_string(found) == "a.mtu 1500 → 9000, b.netns db → client");
  CHECK(found[0].cost == Cost::nothing);
  CHECK(found[1].cost == Cost::replace);
}

TEST_CASE("difference: namespaces by their kind") {
  Node after{.name = "web"};
  after.ns(NsType::ipc) = kHostNs;
  after.ns(NsType::user) = {};
  CHECK(reason(Node{.name = "web"}, after) ==
        "namespaces.ipc private → host, namespaces.user host → private");
}

TEST_CASE("difference: long texts and control characters are not printed") {
  CHECK(reason(File{.content = "a\n"}, File{.content = std::string(100, 'x')}) ==
        "content 2 bytes → 100 bytes");
  CHECK(reason(File{.content = "\x1b[2J"}, File{.content = "ok"}) == "content 4 bytes → ok");
}
