// Whole labs to whole states.
#include "topology/lower.h"

#include <algorithm>
#include <chrono>

#include <catch2/catch.hpp>

#include "report/diagnostics.h"
#include "resource/json.h"
#include "support/golden.h"
#include "topology/load.h"

namespace nslab {
namespace {

// A line per object, in the order of declaration: where it comes from, what it
// is, what it waits for.
std::string print(const resource::DesiredState& state) {
  std::vector<const resource::Desired*> objects;
  for (const auto& [id, object] : state.resources) {
    objects.push_back(&object);
  }
  std::ranges::sort(objects, {}, [](const resource::Desired* each) { return each->order; });
  std::string text = "# " + state.lab + ": " + state.description + "\n";
  for (const resource::Desired* object : objects) {
    text += std::to_string(object->origin.line) + ":" + std::to_string(object->origin.column) +
            " " + resource::to_json_text(object->spec) + "\n";
    for (const resource::Id& id : object->after) {
      text += "    after " + to_string(id) + "\n";
    }
  }
  return text;
}

resource::DesiredState desired(const std::string& text) {
  Diagnostics diagnostics;
  auto loaded = load_lab(text, "lab.yaml", "lab", diagnostics, "/labs");
  INFO(report::render(diagnostics, text));
  REQUIRE(loaded.has_value());
  return std::move(loaded->desired);
}

std::string lines(std::size_t count, std::string (*line)(std::size_t)) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += line(i);
  }
  return text;
}

}  // namespace

TEST_CASE("lower: each lab asks for exactly these objects") {
  for (const auto& directory : test::golden_cases("lower")) {
    test::check_golden(directory / "expected.txt",
                       print(desired(test::read_file(directory / "lab.yaml"))));
  }
}

TEST_CASE("lower: the same file gives the same objects") {
  for (const auto& directory : test::golden_cases("lower")) {
    const std::string text = test::read_file(directory / "lab.yaml");
    CHECK(print(desired(text)) == print(desired(text)));
  }
}

TEST_CASE("lower: ports of a bridge have names of their own, in 15 bytes") {
  const auto state = desired(
      "subnets: {a-long.eth0: 10.0.0.0/24}\n"
      "nodes:\n"
      "  a-long: {interfaces: {eth0: a-long.eth0}}\n"
      "  a-very-long-name-1: {interfaces: {uplink: a-long.eth0}}\n"
      "  a-very-long-name-2: {interfaces: {uplink: a-long.eth0}}\n");
  std::vector<std::string> names{"a-long.eth0"};
  for (const auto& [id, object] : state.resources) {
    if (const auto* veth = std::get_if<resource::Veth>(&object.spec)) {
      CHECK(veth->b.name.size() <= 15);
      CHECK(std::ranges::find(names, veth->b.name) == names.end());
      names.push_back(veth->b.name);
    }
  }
  CHECK(names.size() == 4);
}

TEST_CASE("lower: ten thousand nodes take no longer than they must") {
  const std::string star =
      "subnets:\n" +
      lines(20,
            [](std::size_t i) {
              return "  s" + std::to_string(i) + ": 10." + std::to_string(i) + ".0.0/16\n";
            }) +
      "nodes:\n" + lines(10'000, [](std::size_t i) {
        return "  n" + std::to_string(i) + ": {interfaces: {eth0: s" + std::to_string(i / 500) +
               "}}\n";
      });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(desired(star).resources.size() > 50'000);
  // Generous: this build may be unoptimised, and the machine busy.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

}  // namespace nslab
