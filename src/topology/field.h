// Field tables: one row per key of the lab file. From the same rows come the
// parser, the nearest name for a misspelt key, inheritance from `defaults` and
// `groups`, the JSON Schema and the reference page.
//
// A grammar G says what a value looks like. It has
//   Type                                  what the value becomes
//   read(Problems&, const Value&, Subject) -> std::optional<Type>, having
//                                         reported what is wrong with it
//   inherit(Type& into, const Type& base) fills from the base what is not there
//   shape() -> Shape                      the same grammar as data
// grammar.h composes grammars; scalar.h has those of single values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topology/document.h"
#include "topology/problems.h"
#include "topology/shape.h"

namespace nslab::topology {

// What a value belongs to, for messages: 'mtu', or an item of 'routes'.
struct Subject {
  std::string_view key;
  bool item = false;
};

// "'mtu' has to be a whole number from 68 to 65535, not 'big'"
void refuse(Problems& problems,
            const Value& value,
            Subject subject,
            const std::string& noun,
            std::string hint = {});

// The value of one key, and where it stands.
template <typename G>
struct Setting {
  using Grammar = G;
  using Type = typename G::Type;

  std::optional<Type> value;
  Mark key;    // known when the file has the key, also with a value that was refused
  Mark where;  // of the value

  [[nodiscard]] bool given() const { return key.known(); }

  explicit operator bool() const { return value.has_value(); }

  const Type& operator*() const { return *value; }

  const Type* operator->() const { return &*value; }

  [[nodiscard]] Type value_or(Type fallback) const { return value.value_or(std::move(fallback)); }

  // Of a list, table or block: an empty one when there is none.
  [[nodiscard]] const Type& or_empty() const {
    static const Type nothing{};
    return value ? *value : nothing;
  }
};

template <typename T>
struct Row {
  std::string_view key;
  void (*read)(Problems& problems, const Entry& entry, T& into) = nullptr;
  void (*inherit)(T& into, const T& base) = nullptr;
  Shape (*shape)() = nullptr;
  FieldText text;
};

template <typename T, typename G, Setting<G> T::*Member>
struct RowOf {
  static void read(Problems& problems, const Entry& entry, T& into) {
    into.*Member = {.value = G::read(problems, entry.value, {.key = entry.key}),
                    .key = entry.mark,
                    .where = entry.value.mark};
  }

  static void inherit(T& into, const T& base) {
    Setting<G>& own = into.*Member;
    const Setting<G>& inherited = base.*Member;
    if (!own.given()) {
      own = inherited;
    } else if (own && inherited) {
      G::inherit(*own.value, *inherited);
    }
  }
};

template <typename Member>
struct MemberParts;

template <typename T, typename G>
struct MemberParts<Setting<G> T::*> {
  using Struct = T;
  using Grammar = G;
};

// row<&NodeKeys::hostname>("hostname", {...})
template <auto Member>
constexpr auto row(std::string_view key, FieldText text) {
  using Parts = MemberParts<decltype(Member)>;
  using Of = RowOf<typename Parts::Struct, typename Parts::Grammar, Member>;
  return Row<typename Parts::Struct>{key, &Of::read, &Of::inherit, &Parts::Grammar::shape, text};
}

// Reports a key that the block does not have, with the nearest that it has.
void refuse_unknown_key(Problems& problems, const Entry& entry, const BlockShape& block);

// Reports keys that are missing, or that exclude or need each other.
void check_keys(Problems& problems, const Value& mapping, Mark where, const BlockShape& block);

// A struct of Settings that describes itself: kBlock and rows().
template <typename T>
const BlockShape& block_shape() {
  static const BlockShape described = [] {
    BlockShape shape{.text = &T::kBlock, .fields = {}};
    for (const Row<T>& each : T::rows()) {
      shape.fields.push_back({each.key, each.shape(), each.text});
    }
    return shape;
  }();
  return described;
}

template <typename T>
T read_block(Problems& problems, const Value& mapping) {
  T block;
  for (const Entry& entry : mapping.entries) {
    const Row<T>* match = nullptr;
    for (const Row<T>& each : T::rows()) {
      if (each.key == entry.key) {
        match = &each;
        break;
      }
    }
    if (match != nullptr) {
      match->read(problems, entry, block);
    } else if (!entry.key.starts_with("x-")) {
      refuse_unknown_key(problems, entry, block_shape<T>());
    }
  }
  check_keys(problems, mapping, mapping.mark, block_shape<T>());
  return block;
}

template <typename T>
void inherit_block(T& into, const T& base) {
  if (!T::kBlock.inherits) {
    return;
  }
  for (const Row<T>& each : T::rows()) {
    each.inherit(into, base);
  }
}

}  // namespace nslab::topology
