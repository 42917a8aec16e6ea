// What the field tables say: the JSON Schema, the reference page, their examples.
#include <algorithm>
#include <map>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "report/diagnostics.h"
#include "support/golden.h"
#include "topology/load.h"
#include "topology/shape.h"

namespace nslab::topology {
namespace {

// All blocks of keys, found through the schema's own definitions.
void collect(const BlockShape& block, std::map<std::string_view, const BlockShape*>& blocks) {
  if (!blocks.emplace(block.text->name, &block).second) {
    return;
  }
  std::vector<Shape> shapes;
  for (const FieldShape& field : block.fields) {
    shapes.push_back(field.shape);
  }
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Shape shape = shapes[i];
    shapes.insert(shapes.end(), shape.of.begin(), shape.of.end());
    if (shape.kind == Shape::Kind::block) {
      collect(shape.block(), blocks);
    }
  }
}

std::map<std::string_view, const BlockShape*> all_blocks() {
  std::map<std::string_view, const BlockShape*> blocks;
  collect(lab_shape(), blocks);
  return blocks;
}

// A lab in which a block of that name holds one line.
std::string lab_with(std::string_view block, std::string_view line) {
  static const std::map<std::string_view, std::string> kPlaces{
      {"lab", "@"},
      {"lab_limits", "limits: {@}"},
      {"subnet", "subnets: {s: {@}}"},
      {"link", "links: [{@}]"},
      {"end", "links: [{ends: [{@}, b:e1]}]"},
      {"node", "nodes: {n: {@}}"},
      {"interface", "nodes: {n: {interfaces: {e0: {@}}}}"},
      {"route", "nodes: {n: {routes: [{@}]}}"},
      {"file", "nodes: {n: {files: {/f: {@}}}}"},
      {"directory", "nodes: {n: {directories: {/d: {@}}}}"},
      {"mount", "nodes: {n: {mounts: {/m: {@}}}}"},
      {"service", "nodes: {n: {services: {s: {@}}}}"},
      {"ready", "nodes: {n: {services: {s: {ready: {@}}}}}"},
      {"stop", "nodes: {n: {services: {s: {stop: {@}}}}}"},
      {"limits", "nodes: {n: {limits: {@}}}"},
      {"namespaces", "nodes: {n: {namespaces: {@}}}"},
      {"clock", "nodes: {n: {clock: {@}}}"},
  };
  std::string text = kPlaces.at(block);
  return text.replace(text.find('@'), 1, line) + "\n";
}

// About the keys beside the example, not about the example.
bool of_missing_keys(const Error& error) {
  return error.message.find("needs the key") != std::string::npos ||
         error.message.find("exactly one") != std::string::npos ||
         error.message.find("goes only with") != std::string::npos;
}

}  // namespace

TEST_CASE("schema: the file in the repository is the one of the field tables") {
  test::check_golden(std::filesystem::path(NSLAB_SOURCE_DIR) / "schemas" / "nslab.schema.json",
                     json_schema());
}

TEST_CASE("schema: the reference page in the repository is the one of the field tables") {
  test::check_golden(std::filesystem::path(NSLAB_SOURCE_DIR) / "docs" / "reference" / "lab-file.md",
                     reference_page());
}

TEST_CASE("schema: every key is described by a sentence and shown by an example") {
  for (const auto& [name, block] : all_blocks()) {
    for (const FieldShape& field : block->fields) {
      INFO(name << "." << field.key);
      CHECK(field.text.doc.ends_with('.'));
      CHECK(field.text.example.starts_with(std::string(field.key) + ":"));
      CHECK(field.text.fallback.find('.') == std::string_view::npos);
    }
  }
}

TEST_CASE("schema: every example is one that the parser takes") {
  for (const auto& [name, block] : all_blocks()) {
    for (const FieldShape& field : block->fields) {
      INFO(name << "." << field.key);
      const std::string text = lab_with(name, field.text.example);
      Diagnostics diagnostics;
      load_lab(text, "example.yaml", "example", diagnostics, "/labs");
      for (const Error& error : diagnostics.errors()) {
        INFO(report::render(error, text));
        CHECK((error.kind == ErrorKind::semantic || of_missing_keys(error)));
      }
    }
  }
}

TEST_CASE("schema: every block is defined and refers to blocks that are") {
  const auto schema = nlohmann::json::parse(json_schema());
  for (const auto& [name, block] : all_blocks()) {
    INFO(name);
    const bool top = name == "lab";
    const auto& body = top ? schema : schema.at("definitions").at(std::string(name));
    CHECK(body.at("properties").size() == block->fields.size());
  }
}

}  // namespace nslab::topology
