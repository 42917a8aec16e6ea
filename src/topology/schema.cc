// The field tables as a JSON Schema (draft 7, which editors read).
#include <nlohmann/json.hpp>

#include "topology/load.h"
#include "topology/shape.h"

namespace nslab::topology {
namespace {

using Json = nlohmann::ordered_json;

std::string whole(const std::string& pattern) {
  return "^(" + pattern + ")$";
}

class SchemaWriter {
 public:
  Json write(const BlockShape& root) {
    Json schema = Json::object();
    schema["$schema"] = "http://json-schema.org/draft-07/schema#";
    schema["title"] = "A lab of nslab";
    const Json body = block_body(root);
    schema.update(body);
    schema["definitions"] = std::move(definitions_);
    return schema;
  }

 private:
  Json value(const Shape& shape) {
    switch (shape.kind) {
      case Shape::Kind::text:
        return text(shape);
      case Shape::Kind::whole:
        return {{"type", "integer"}, {"minimum", shape.least}, {"maximum", shape.most}};
      case Shape::Kind::number:
        return {{"type", "number"}, {"exclusiveMinimum", shape.least}, {"maximum", shape.most}};
      case Shape::Kind::flag:
        return {{"type", "boolean"}};
      case Shape::Kind::list:
        return list(shape);
      case Shape::Kind::table:
        return table(shape);
      case Shape::Kind::block:
        return block(shape);
      case Shape::Kind::choice:
        break;
    }
    Json any = Json::array();
    for (const Shape& each : shape.of) {
      any.push_back(value(each));
    }
    return {{"anyOf", std::move(any)}};
  }

  static Json text(const Shape& shape) {
    Json json = Json::object();
    json["type"] = shape.any_scalar ? Json{"string", "number", "boolean"} : Json("string");
    if (!shape.words.empty()) {
      json["enum"] = shape.words;
    }
    if (!shape.pattern.empty()) {
      json["pattern"] = whole(shape.pattern);
    }
    return json;
  }

  Json list(const Shape& shape) {
    Json json{{"type", "array"}, {"items", value(shape.of[0])}, {"maxItems", shape.most}};
    if (shape.least != 0) {
      json["minItems"] = shape.least;
    }
    return json;
  }

  Json table(const Shape& shape) {
    Json names = Json::object();
    names[whole(shape.of[0].pattern)] = value(shape.of[1]);
    names["^x-"] = Json::object();
    return {{"type", "object"},
            {"patternProperties", std::move(names)},
            {"additionalProperties", false},
            {"maxProperties", shape.most}};
  }

  Json block(const Shape& shape) {
    const BlockShape& block = shape.block();
    const std::string name(block.text->name);
    if (!definitions_.contains(name)) {
      definitions_[name] = nullptr;  // so that a block within itself is not written twice
      definitions_[name] = block_body(block);
    }
    Json reference{{"$ref", "#/definitions/" + name}};
    if (shape.optional) {
      return {{"anyOf", {std::move(reference), {{"type", "null"}}}}};
    }
    return reference;
  }

  Json block_body(const BlockShape& block) {
    Json properties = Json::object();
    Json required = Json::array();
    for (const FieldShape& field : block.fields) {
      properties[std::string(field.key)] = property(field);
      if (field.text.required) {
        required.push_back(field.key);
      }
    }
    Json body{{"description", block.text->doc},
              {"type", "object"},
              {"properties", std::move(properties)},
              {"patternProperties", {{"^x-", Json::object()}}},
              {"additionalProperties", false}};
    if (!required.empty()) {
      body["required"] = std::move(required);
    }
    for (const std::string_view key : block.text->one_of) {
      body["oneOf"].push_back({{"required", Json::array({key})}});
    }
    if (!block.text->needing.empty()) {
      body["dependencies"][std::string(block.text->needing)] = Json::array({block.text->needed});
    }
    return body;
  }

  // In draft 7 nothing beside a "$ref" counts.
  Json property(const FieldShape& field) {
    Json json{{"description", field.text.doc}};
    if (!field.text.fallback.empty()) {
      json["description"] =
          std::string(field.text.doc) + " Default: " + std::string(field.text.fallback) + ".";
    }
    Json shape = value(field.shape);
    if (shape.contains("$ref")) {
      json["allOf"] = Json::array({std::move(shape)});
    } else {
      json.update(shape);
    }
    return json;
  }

  Json definitions_ = Json::object();
};

}  // namespace

std::string json_schema() {
  constexpr int kIndent = 2;
  return SchemaWriter().write(lab_shape()).dump(kIndent) + "\n";
}

}  // namespace nslab::topology
