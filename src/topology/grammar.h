// Grammars made of grammars: lists, tables, blocks and short forms.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "topology/field.h"

namespace nslab::topology {

// No list or table of a lab file is longer, but for nodes, subnets and links.
inline constexpr std::size_t kMaxItems = 1000;

template <typename T>
struct Located {
  T value{};
  Mark where;
};

template <typename T>
struct Named {
  std::string name;
  Mark where;  // of the name
  T value{};
};

// Whether YAML takes a plain text for a number or a truth value.
bool reads_as_number(std::string_view text);

// A single value. S has Type, parse(text) -> std::optional<Type>, shape(), and
// may have hint(text), which explains what parse() refused.
template <typename S>
struct Scalar {
  using Type = typename S::Type;

  static std::optional<Type> read(Problems& problems, const Value& value, Subject subject) {
    const Shape expected = shape();
    const bool is_text = expected.kind == Shape::Kind::text;
    const bool number = !value.quoted && reads_as_number(value.text);
    if (!value.is(Value::Kind::scalar)) {
      refuse(problems, value, subject, expected.noun);
    } else if (!is_text && value.quoted) {
      refuse(problems, value, subject, expected.noun, "write it without quotes");
    } else if (auto parsed = S::parse(value.text); !parsed) {
      refuse(problems, value, subject, expected.noun, hint(value.text));
    } else if (is_text && number && !expected.any_scalar) {
      refuse(problems, value, subject, expected.noun, "put it in quotes");
    } else {
      return parsed;
    }
    return std::nullopt;
  }

  static void inherit(Type& /*into*/, const Type& /*base*/) {}

  static Shape shape() { return S::shape(); }

 private:
  static std::string hint(std::string_view text) {
    if constexpr (requires { S::hint(text); }) {
      return S::hint(text);
    } else {
      return {};
    }
  }
};

// A limit, or the word that lifts it: a value of nothing.
template <typename G>
struct OrNone {
  using Type = std::optional<typename G::Type>;

  static std::optional<Type> read(Problems& problems, const Value& value, Subject subject) {
    if (value.is(Value::Kind::scalar) && value.text == "none") {
      return Type{};
    }
    auto read = G::read(problems, value, subject);
    return read ? std::optional<Type>(std::move(read)) : std::nullopt;
  }

  static void inherit(Type& /*into*/, const Type& /*base*/) {}

  static Shape shape() {
    const Shape none{.kind = Shape::Kind::text, .noun = "none", .words = {"none"}};
    return {.kind = Shape::Kind::choice, .noun = "", .of = {G::shape(), none}};
  }
};

template <typename G, std::size_t Max = kMaxItems, std::size_t Min = 0>
struct ListOf {
  using Type = std::vector<Located<typename G::Type>>;

  static std::optional<Type> read(Problems& problems, const Value& value, Subject subject) {
    if (!value.is(Value::Kind::sequence) || value.items.size() < Min) {
      refuse(problems, value, subject, noun());
      return std::nullopt;
    }
    if (value.items.size() > Max) {
      problems.schema(value.items[Max].mark,
                      quote(subject.key) + " has more than " + plural(Max, "item"));
      return std::nullopt;
    }
    Type list;
    for (const Value& item : value.items) {
      if (auto read = G::read(problems, item, {.key = subject.key, .item = true})) {
        list.push_back({*std::move(read), item.mark});
      }
    }
    return list;
  }

  static void inherit(Type& /*into*/, const Type& /*base*/) {}

  static Shape shape() {
    return {
        .kind = Shape::Kind::list, .noun = noun(), .least = Min, .most = Max, .of = {G::shape()}};
  }

 private:
  static std::string noun() {
    return Min == 0 ? "a list" : "a list of at least " + plural(Min, "item");
  }
};

// One value, or a list of several.
template <typename G>
struct OneOrMany {
  using Type = std::vector<Located<typename G::Type>>;
  using List = ListOf<G, kMaxItems, 1>;

  static std::optional<Type> read(Problems& problems, const Value& value, Subject subject) {
    if (value.is(Value::Kind::sequence)) {
      return List::read(problems, value, subject);
    }
    if (value.is(Value::Kind::mapping)) {
      refuse(problems, value, subject, noun_of(shape()));
      return std::nullopt;
    }
    auto one = G::read(problems, value, subject);
    if (!one) {
      return std::nullopt;
    }
    Type list;
    list.push_back({*std::move(one), value.mark});
    return list;
  }

  static void inherit(Type& /*into*/, const Type& /*base*/) {}

  static Shape shape() {
    return {.kind = Shape::Kind::choice, .noun = "", .of = {G::shape(), List::shape()}};
  }
};

// Names of the user's choice, each with a value. Keeps the order of the file;
// inherited names come first.
template <typename Name, typename G, std::size_t Max = kMaxItems>
struct TableOf {
  using Type = std::vector<Named<typename G::Type>>;

  static std::optional<Type> read(Problems& problems, const Value& value, Subject subject) {
    if (!value.is(Value::Kind::mapping)) {
      refuse(problems, value, subject, "a mapping");
      return std::nullopt;
    }
    if (value.entries.size() > Max) {
      problems.schema(value.entries[Max].mark,
                      quote(subject.key) + " has more than " + std::to_string(Max) + " entries");
      return std::nullopt;
    }
    Type table;
    for (const Entry& entry : value.entries) {
      read_entry(problems, entry, table);
    }
    return table;
  }

  static void inherit(Type& into, const Type& base) {
    std::unordered_map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < base.size(); ++i) {
      places.emplace(base[i].name, i);
    }
    Type merged = base;
    for (auto& own : into) {
      const auto inherited = places.find(own.name);
      if (inherited == places.end()) {
        merged.push_back(std::move(own));
        continue;
      }
      G::inherit(own.value, base[inherited->second].value);
      merged[inherited->second] = std::move(own);
    }
    into = std::move(merged);
  }

  static Shape shape() {
    return {.kind = Shape::Kind::table,
            .noun = "a mapping",
            .most = Max,
            .of = {Name::shape(), G::shape()}};
  }

 private:
  static void read_entry(Problems& problems, const Entry& entry, Type& table) {
    if (entry.key.starts_with("x-")) {
      return;
    }
    auto value = G::read(problems, entry.value, {.key = entry.key});
    if (!Name::parse(entry.key)) {
      std::string hint;
      if constexpr (requires { Name::hint(entry.key); }) {
        hint = Name::hint(entry.key);
      }
      problems.schema(
          entry.mark, quote(entry.key) + " is not " + Name::shape().noun, std::move(hint));
    } else if (value) {
      table.push_back({entry.key, entry.mark, *std::move(value)});
    }
  }
};

// A mapping with the keys of T.
template <typename T>
struct Block {
  using Type = T;

  static std::optional<T> read(Problems& problems, const Value& value, Subject subject) {
    if (!value.is(Value::Kind::mapping)) {
      refuse(problems, value, subject, "a mapping");
      return std::nullopt;
    }
    return read_block<T>(problems, value);
  }

  static void inherit(T& into, const T& base) { inherit_block(into, base); }

  static Shape shape() {
    return {.kind = Shape::Kind::block, .noun = "a mapping", .block = &block_shape<T>};
  }
};

// A block that may be left empty: "web:".
template <typename T>
struct OptionalBlock : Block<T> {
  static std::optional<T> read(Problems& problems, const Value& value, Subject subject) {
    if (value.is(Value::Kind::null)) {
      return T{};
    }
    return Block<T>::read(problems, value, subject);
  }

  static Shape shape() {
    Shape shape = Block<T>::shape();
    shape.optional = true;
    return shape;
  }
};

// A block, or only the value of its most important key.
template <typename T, auto Member>
struct ShortBlock : Block<T> {
  using Main = typename MemberParts<decltype(Member)>::Grammar;

  static std::optional<T> read(Problems& problems, const Value& value, Subject subject) {
    if (value.is(Value::Kind::mapping)) {
      return read_block<T>(problems, value);
    }
    if (value.is(Value::Kind::null)) {
      refuse(problems, value, subject, noun_of(shape()));
      return std::nullopt;
    }
    T block;
    auto main = Main::read(problems, value, subject);
    block.*Member = {.value = std::move(main), .key = value.mark, .where = value.mark};
    return block;
  }

  static Shape shape() {
    return {.kind = Shape::Kind::choice, .noun = "", .of = {Main::shape(), Block<T>::shape()}};
  }
};

}  // namespace nslab::topology
