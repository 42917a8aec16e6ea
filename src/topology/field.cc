#include "topology/field.h"

#include <algorithm>

#include "base/text.h"

namespace nslab::topology {
namespace {

bool has(const Value& mapping, std::string_view key) {
  return std::ranges::any_of(mapping.entries, [&](const Entry& entry) { return entry.key == key; });
}

std::string found(const Value& value) {
  // Long enough to recognise, short enough for a line.
  constexpr std::size_t kMaxShown = 60;
  switch (value.kind) {
    case Value::Kind::sequence:
      return value.items.empty() ? "not an empty list" : "not a list";
    case Value::Kind::mapping:
      return "not a mapping";
    default:
      break;
  }
  if (value.text.size() > kMaxShown) {
    return "not a text of " + plural(value.text.size(), "byte");
  }
  return "not " + quote(value.text);
}

std::string quoted_list(std::span<const std::string_view> keys, std::string_view last) {
  std::string list;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    list += i == 0 ? "" : i + 1 == keys.size() ? " " + std::string(last) + " " : ", ";
    list += quote(keys[i]);
  }
  return list;
}

}  // namespace

void refuse(Problems& problems,
            const Value& value,
            Subject subject,
            const std::string& noun,
            std::string hint) {
  const std::string what = (subject.item ? "an item of " : "") + quote(subject.key);
  const bool empty = value.is(Value::Kind::null);
  problems.schema(value.mark,
                  empty ? what + " has no value; it has to be " + noun
                        : what + " has to be " + noun + ", " + found(value),
                  std::move(hint));
}

void refuse_unknown_key(Problems& problems, const Entry& entry, const BlockShape& block) {
  std::vector<std::string_view> keys;
  for (const FieldShape& field : block.fields) {
    keys.push_back(field.key);
  }
  const std::string_view near = nearest(entry.key, keys);
  problems.schema(entry.mark,
                  "unknown key " + quote(entry.key) + " in " + std::string(block.text->noun),
                  near.empty() ? "its keys are " + quoted_list(keys, "and")
                               : "did you mean " + quote(near) + "?");
}

void check_keys(Problems& problems, const Value& mapping, Mark where, const BlockShape& block) {
  const std::string noun(block.text->noun);
  for (const FieldShape& field : block.fields) {
    if (field.text.required && !has(mapping, field.key)) {
      problems.schema(where,
                      noun + " needs the key " + quote(field.key),
                      "such as " + std::string(field.text.example));
    }
  }
  const std::span<const std::string_view> one_of = block.text->one_of;
  const auto given =
      std::ranges::count_if(one_of, [&](std::string_view key) { return has(mapping, key); });
  if (!one_of.empty() && given != 1) {
    problems.schema(where,
                    noun + " has exactly one of the keys " + quoted_list(one_of, "and") +
                        "; here " + (given == 0 ? "is none" : "are " + std::to_string(given)));
  }
  const BlockText& text = *block.text;
  if (!text.needing.empty() && has(mapping, text.needing) && !has(mapping, text.needed)) {
    problems.schema(where,
                    quote(text.needing) + " of " + noun + " goes only with " + quote(text.needed));
  }
}

}  // namespace nslab::topology
