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
  before.a.says.mtu = true;
  Veth after = before;
  after.a.mtu = 9000;
  after.b.netns = "client";
  const auto found = differences(before, after);
  REQUIRE(found.size() == 2);
  CHECK(to_string(found) == "web:eth0 mtu 1500 → 9000, client:eth0 found as db:eth0 → client:eth0");
  CHECK(found[0].cost == Cost::nothing);
  CHECK(found[1].cost == Cost::replace);
}

TEST_CASE("difference: what the file has no say about is none, until it says or said it") {
  const Veth found{.a = {.netns = "web", .name = "eth0", .mtu = 1400, .up = false, .bridge = "br0"},
                   .b = {.netns = "db", .name = "eth0"}};
  Veth wanted{.a = {.netns = "web", .name = "eth0"}, .b = found.b};
  CHECK(differences(found, wanted).empty());
  wanted.a.says.mtu = true;
  CHECK(reason(found, wanted) == "web:eth0 mtu 1400 → 1500");
  CHECK(reason(wanted, found) == "web:eth0 mtu 1500 → 1400");
  wanted.a.mtu = 1400;
  CHECK(reason(found, wanted) == "web:eth0 mtu in the file no → yes");
}

TEST_CASE("difference: an end that strays is that, and nothing else of it counts") {
  const Veth wanted{.a = {.netns = "web", .name = "eth0"}, .b = {.netns = "db", .name = "eth0"}};
  Veth found = wanted;
  found.a.strayed = "wan0";
  found.a.up = false;
  CHECK(reason(found, wanted) == "web:eth0 found as wan0 → web:eth0");
  found.a.strayed = VethEnd::kNowhere;
  CHECK(reason(found, wanted) == "web:eth0 found as nothing → web:eth0");
}

TEST_CASE("difference: a host name that the file does not say is the node's") {
  CHECK(reason(Node{.name = "a", .hostname = "a"},
               Node{.name = "a", .hostname = "b", .says_hostname = true})
            .starts_with("hostname a → b"));
}

TEST_CASE("difference: namespaces by their kind") {
  Node after{.name = "web"};
  after.ns(NsType::ipc) = kHostNs;
  after.ns(NsType::user) = {};
  CHECK(reason(Node{.name = "web"}, after) ==
        "namespaces.ipc private → host, namespaces.user host → private");
}

TEST_CASE("difference: of a node with a fault nothing else is known") {
  CHECK(reason(Node{.name = "web", .fault = "no answer"}, Node{.name = "web", .hostname = "w"}) ==
        "fault no answer → none");
}

TEST_CASE("difference: long texts and control characters are not printed") {
  CHECK(reason(File{.content = "a\n"}, File{.content = std::string(100, 'x')}) ==
        "content 2 bytes → 100 bytes");
  CHECK(reason(File{.content = "\x1b[2J"}, File{.content = "ok"}) == "content 4 bytes → ok");
}
