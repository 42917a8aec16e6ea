// What the objects of a lab need of the host.
#include "host/needs.h"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

#include "probe/feature.h"

using namespace nslab;
using resource::NsChoice;
using resource::NsType;

namespace {

std::set<std::string_view> ids(const resource::Spec& spec) {
  std::set<std::string_view> found;
  for (const host::Need& need : host::needs_of(spec)) {
    CHECK(probe::find_feature(need.feature) != nullptr);
    CHECK(need.who.find("'") != std::string::npos);
    found.insert(need.feature);
  }
  return found;
}

}  // namespace

TEST_CASE("needs: each limit needs its controller") {
  CHECK(ids(resource::Cgroup{.node = "web"}).empty());
  CHECK(ids(resource::Cgroup{.node = "web", .memory = 1}) ==
        std::set<std::string_view>{"cgroup:memory"});
  CHECK(ids(resource::Cgroup{.node = "web", .swap = 1}) ==
        std::set<std::string_view>{"cgroup:swap"});
  CHECK(ids(resource::Cgroup{.node = "web", .cpu_weight = 1}) ==
        std::set<std::string_view>{"cgroup:cpu"});
  CHECK(ids(resource::Cgroup{.node = "web", .cpu_millis = 1, .cpuset = "0", .pids = 1}) ==
        std::set<std::string_view>{"cgroup:cpu", "cgroup:cpuset", "cgroup:pids"});
}

TEST_CASE("needs: a node needs the namespaces that are its own, and what its root is made of") {
  resource::Node node{.name = "web"};
  CHECK(ids(node) == std::set<std::string_view>{"namespace:cgroup",
                                                "namespace:ipc",
                                                "namespace:mnt",
                                                "namespace:pid",
                                                "namespace:uts",
                                                "overlayfs"});
  node.ns(NsType::time) = NsChoice{};
  node.ns(NsType::ipc) = resource::kHostNs;
  node.ns(NsType::uts) = NsChoice{.mode = NsChoice::Mode::node, .of = "db"};
  node.root = "/srv/root";
  CHECK(ids(node) ==
        std::set<std::string_view>{
            "namespace:cgroup", "namespace:mnt", "namespace:pid", "namespace:time", "overlayfs"});
  node.root = "host";
  CHECK_FALSE(ids(node).contains("overlayfs"));
  node.root = "overlay";
  node.ns(NsType::mnt) = resource::kHostNs;
  CHECK_FALSE(ids(node).contains("overlayfs"));
}

TEST_CASE("needs: of networks") {
  CHECK(ids(resource::UserNs{.node = "web"}) == std::set<std::string_view>{"namespace:user"});
  CHECK(ids(resource::NetNs{.name = "web"}) == std::set<std::string_view>{"namespace:net"});
  CHECK(ids(resource::Bridge{.name = "lan"}) == std::set<std::string_view>{"bridge"});
  CHECK(ids(resource::Veth{}) == std::set<std::string_view>{"veth"});
  CHECK(ids(resource::Address{"web", "eth0", *IpPrefix::parse("10.0.0.1/24")}).empty());
  CHECK(ids(resource::Address{"web", "eth0", *IpPrefix::parse("fd00::1/64")}) ==
        std::set<std::string_view>{"ipv6"});
}
