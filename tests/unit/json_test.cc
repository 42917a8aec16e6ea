#include "resource/json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "resource/resource.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::resource;

namespace {

Spec varied_service() {
  return Service{.node = "web",
                 .name = "http",
                 .argv = {"a b", "\"quoted\"", "Zürich"},
                 .environment = {"A=1"},
                 .directory = "/srv",
                 .ready = {.type = ReadyType::http, .port = 65535, .path = "/up", .argv = {}},
                 .restart = Restart::on_failure,
                 .stop_signal = "INT",
                 .graceful = true};
}

}  // namespace

TEST_CASE("json: every resource of a lab goes to text and back") {
  auto state = test::desired_state(test::webdb());
  state.add(varied_service(), {});
  state.add(Link{"web", "dummy0"}, {});
  state.add(Route{.netns = "web",
                  .to = IpPrefix::parse("fd00::/64").value(),
                  .metric = 7,
                  .type = RouteType::blackhole},
            {});
  Node pod{.name = "pod"};
  pod.ns(NsType::ipc) = {.mode = NsChoice::Mode::node, .of = "web"};
  state.add(pod, {});
  for (const auto& [id, desired] : state.resources) {
    const auto back = from_json_text(to_json_text(desired.spec));
    INFO(to_json_text(desired.spec));
    REQUIRE(back);
    CHECK(*back == desired.spec);
    CHECK(parse_id(to_string(id)) == id);
  }
}

TEST_CASE("json: the text is one line, the kind first") {
  CHECK(to_json_text(Bridge{.name = "front"}) ==
        R"({"kind":"bridge","name":"front","mtu":1500,"up":true,"marked":true})");
  CHECK(to_json_text(Mount{.node = "db", .target = "/data", .size = 4096}) ==
        R"({"kind":"mount","node":"db","target":"/data","type":"tmpfs","source":"",)"
        R"("read-only":false,"size":4096,"mode":493,"owner":"","what-the-host-has-now":true})");
}

TEST_CASE("json: what is not exactly a resource of this version is refused") {
  const auto bridge = GENERATE(as<const char*>{},
                               "",
                               "null",
                               "[]",
                               "{}",
                               R"({"kind":"bridge"})",
                               R"({"kind":"bridg","name":"f","mtu":1500,"up":true})",
                               R"({"kind":"bridge","name":"f","mtu":1500})",
                               R"({"kind":"bridge","name":"f","mtu":1500,"up":true,"x":1})",
                               R"({"kind":"bridge","name":"f","mtu":"1500","up":true})",
                               R"({"kind":"bridge","name":"f","mtu":-1,"up":true})",
                               R"({"kind":"bridge","name":"f","mtu":4294967296,"up":true})",
                               R"({"kind":"bridge","name":"f","mtu":1500.5,"up":true})",
                               R"({"kind":"bridge","name":"f","mtu":true,"up":true})",
                               R"({"kind":"bridge","name":"f","mtu":1500,"up":1})",
                               R"({"kind":"bridge","name":null,"mtu":1500,"up":true})",
                               R"({"kind":"bridge","name":"f","mtu":1500,"up":true)");
  INFO(bridge);
  const auto spec = from_json_text(bridge);
  REQUIRE_FALSE(spec);
  CHECK(spec.error().kind == ErrorKind::internal);
}

TEST_CASE("json: text that is not UTF-8 is written all the same") {
  const Spec file = File{.node = "web", .path = "/x", .content = "a\xff"};
  CHECK(from_json_text(to_json_text(file)));
}
