#include "resource/difference.h"

#include <algorithm>
#include <cassert>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "resource/json_convert.h"
#include "resource/resource.h"

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
  std::string text = value.is_string()
                         ? value.get<std::string>()
                         : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
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

// As chmod(1) has it.
std::string octal(std::uint32_t mode) {
  std::string digits;
  for (; mode != 0; mode /= 8) {
    digits.insert(digits.begin(), static_cast<char>('0' + mode % 8));
  }
  return "0" + digits;
}

// Two texts of one length, of which only that is shown, look alike.
Difference difference(std::string name, const Json& before, const Json& after, Cost cost) {
  Difference found{std::move(name), readable(before), readable(after), cost};
  if (found.before == found.after) {
    found.after = "other ones";
  }
  return found;
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

// Where an end of a cable is, or that it cannot be found.
std::string whereabouts(const VethEnd& end) {
  if (end.strayed == VethEnd::kNowhere || (end.strayed.empty() && end.netns.empty())) {
    return "nothing";
  }
  return end.strayed.empty() ? end.netns + ":" + end.name : end.strayed;
}

// Whether the end that was found is another interface than the one that is wanted, or
// elsewhere: then nothing else about it counts.
bool strays(const VethEnd& found, const VethEnd& wanted) {
  return found.strayed != wanted.strayed || found.netns != wanted.netns ||
         found.name != wanted.name;
}

// What the file has begun or ceased to say of a value that stays.
template <typename Value>
void compare_say(const VethEnd& before,
                 const VethEnd& after,
                 const Field<VethEnd, Value>& row,
                 std::vector<Difference>& into) {
  if (before.netns != kSwitch && before.rules(row.name) != after.rules(row.name)) {
    into.push_back({title_of(after) + " " + std::string(row.name) + " in the file",
                    readable(Json(before.rules(row.name))),
                    readable(Json(after.rules(row.name))),
                    Cost::nothing});
  }
}

void compare(const VethEnd& before, const VethEnd& after, std::vector<Difference>& into) {
  const std::string end = title_of(after);
  if (strays(before, after)) {
    into.push_back({end + " found as", whereabouts(before), whereabouts(after), Cost::replace});
    return;
  }
  for_each_field<VethEnd>([&](const auto& row) {
    if (row.name == "says" || (!before.rules(row.name) && !after.rules(row.name))) {
      return;
    }
    if (before.*row.member == after.*row.member) {
      compare_say(before, after, row, into);
      return;
    }
    into.push_back({end + " " + std::string(row.name),
                    readable(field_to_json(before.*row.member)),
                    readable(field_to_json(after.*row.member)),
                    row.cost});
  });
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
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(old_value)>, VethEnd>) {
      compare(old_value, new_value, into);
    } else if constexpr (HasFields<std::remove_cvref_t<decltype(old_value)>>) {
      compare(old_value, new_value, name + ".", into);
    } else if constexpr (std::is_same_v<std::remove_cvref_t<decltype(old_value)>, Namespaces>) {
      compare(old_value, new_value, into);
    } else if constexpr (std::is_same_v<std::remove_cvref_t<decltype(old_value)>, std::uint32_t>) {
      const bool mode = row.name == "mode";
      into.push_back(
          mode ? Difference{name, octal(old_value), octal(new_value), row.cost}
               : difference(name, field_to_json(old_value), field_to_json(new_value), row.cost));
    } else {
      into.push_back(
          difference(name, field_to_json(old_value), field_to_json(new_value), row.cost));
    }
  });
}

}  // namespace

std::vector<Difference> differences(const Spec& before, const Spec& after) {
  assert(before.index() == after.index());
  std::vector<Difference> found;
  if (const auto* node = std::get_if<Node>(&before); node != nullptr && !node->fault.empty()) {
    return {{"fault", node->fault, "none", Cost::replace}};
  }
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
