// What the value of a key may be, described as data. The JSON Schema, the
// reference page and the nouns of error messages are made from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nslab::topology {

// What it takes to change a key of a running lab.
enum class Cost : std::uint8_t {
  nothing,          // done in place, unnoticed
  service_restart,  // the service that it belongs to starts again
  node_restart,     // the node's processes start again; its cables stay
  link_replaced,    // the cables concerned are made anew
  another_lab,      // it is not the same lab any more
  see_below,        // the keys inside say
};

struct BlockShape;

struct Shape {
  enum class Kind : std::uint8_t {
    text,
    whole,   // a whole number from least to most
    number,  // above least, up to most
    flag,    // true or false
    list,
    table,  // a mapping with names of the user's choice
    block,  // a mapping with the keys of a BlockShape
    choice,
  };

  Kind kind = Kind::text;
  std::string noun;                        // "a size such as 64M"
  std::string pattern{};                   // text: matches the whole of it
  std::vector<std::string_view> words{};   // text: one of these
  bool any_scalar = false;                 // text: numbers are taken as they are written
  bool optional = false;                   // block: may be left empty
  std::int64_t least = 0;                  // whole, number; list: items
  std::int64_t most = 0;                   // whole, number; list, table: items
  std::vector<Shape> of{};                 // list: item; table: name, value; choice: each
  const BlockShape& (*block)() = nullptr;  // block
};

// What a row of a field table says to people.
struct FieldText {
  std::string_view doc;       // one sentence
  std::string_view fallback;  // what holds without the key; empty: it is simply not there
  std::string_view example;   // a line of a lab file
  Cost cost = Cost::nothing;
  bool required = false;
};

struct FieldShape {
  std::string_view key;
  Shape shape;
  FieldText text;
};

// What a block of keys says of itself.
struct BlockText {
  std::string_view name;  // "interface"
  std::string_view noun;  // "an interface"
  std::string_view doc;
  std::span<const std::string_view> one_of{};  // exactly one of these keys is given
  std::string_view needing{};                  // this key ...
  std::string_view needed{};                   // ... makes sense only beside this one
  bool inherits = true;  // key by key from `defaults` and `groups`; otherwise whole
};

struct BlockShape {
  const BlockText* text = nullptr;
  std::vector<FieldShape> fields;
};

// "a whole number from 1 to 65535", "a list or a text"
std::string noun_of(const Shape& shape);

std::string_view name_of(Cost cost);

// A block of keys that stands nowhere below another: the whole lab file.
const BlockShape& lab_shape();

}  // namespace nslab::topology
