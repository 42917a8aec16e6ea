#include "resource/difference.h"

#include <algorithm>
#include <cassert>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "resource/json_convert.h"

namespace nslab::resource {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestValue = 60;

std::string readable(const Json& value) {
  if (value.is_null()) {
    return "none";
  }
  if (value.is_boolean()) {
    return value.get<bool>() ? "yes" : "no";
  }
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.empty()) {
    return "none";
  }
  const bool printable = std::ranges::none_of(
      text, [](char each) { return static_cast<unsigned char>(each) < 0x20 || each == 0x7f; });
  if (text.size() > kLongestValue || !printable) {
    return plural(text.size(), "byte");
  }
  return text;
}

using Namespaces = decltype(Node::namespaces);

void compare(const Namespaces& before, const Namespaces& after, std::vector<Difference>& into) {
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != after[i]) {
      into.push_back(Difference{"namespaces." + std::string(kNsTypeNames[i]),
                                readable(field_to_json(before[i])),
                                readable(field_to_json(after[i])),
                                Cost::replace});
    }
  }
}

// A nested struct (an end of a cable) is compared field by field; everything
// else as a whole.
template <typename T>
void compare(const T& before,
             const T& after,
             const std::string& prefix,
             std::vector<Difference>& into) {
  for_each_field<T>([&](const auto& row) {
    const auto& old_value = before.*row.member;
    const auto& new_value = after.*row.member;
    if (old_value == new_value) {
      return;
    }
    const std::string name = prefix + std::string(row.name);
    if constexpr (HasFields<std::remove_cvref_t<decltype(old_value)>>) {
      compare(old_value, new_value, name + ".", into);
    } else if constexpr (std::is_same_v<std::remove_cvref_t<decltype(old_value)>, Namespaces>) {
      compare(old_value, new_value, into);
    } else {
      into.push_back(Difference{
          name, readable(field_to_json(old_value)), readable(field_to_json(new_value)), row.cost});
    }
  });
}

}  // namespace

std::vector<Difference> differences(const Spec& before, const Spec& after) {
  assert(before.index() == after.index());
  std::vector<Difference> found;
  std::visit(
      [&](const auto& old_spec) {
        const auto& new_spec = std::get<std::remove_cvref_t<decltype(old_spec)>>(after);
        if (!(old_spec == new_spec)) {
          compare(old_spec, new_spec, "", found);
        }
      },
      before);
  return found;
}

std::string to_string(const std::vector<Difference>& differences) {
  std::string text;
  for (const Difference& each : differences) {
    text += (text.empty() ? "" : ", ") + each.field + " " + each.before + " → " + each.after;
  }
  return text;
}

}  // namespace nslab::resource
