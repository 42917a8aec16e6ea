#include "topology/lab_file.h"

#include <unordered_map>

#include "base/text.h"

namespace nslab::topology {
namespace {

constexpr std::string_view kEndsMark = "--";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// One end of "web:eth2 -- db:eth1", with the place where it stands.
Value part_of(const Value& whole, std::string_view part) {
  Value value = whole;
  value.text = std::string(part);
  const auto offset = static_cast<std::size_t>(part.data() - whole.text.data());
  value.mark.column += static_cast<std::uint32_t>(offset + (whole.quoted ? 1 : 0));
  return value;
}

Ends::Type read_each(Problems& problems, std::span<const Value> values, Subject subject) {
  Ends::Type ends;
  for (const Value& each : values) {
    if (auto end = Ends::Each::read(problems, each, {.key = subject.key, .item = true})) {
      ends.push_back({*std::move(end), each.mark});
    }
  }
  return ends;
}

// How much a subtree of the file holds, in bytes of memory, roughly.
std::size_t weight(const Value& value) {
  constexpr std::size_t kEach = 128;
  std::size_t sum = kEach + value.text.size();
  for (const Value& item : value.items) {
    sum += weight(item);
  }
  for (const Entry& entry : value.entries) {
    sum += kEach + entry.key.size() + weight(entry.value);
  }
  return sum;
}

// Fills every node from its groups and from `defaults`.
class Inheritance {
 public:
  Inheritance(Problems& problems, const LabKeys& lab, const Document& document)
      : problems_(problems), defaults_(lab.defaults.or_empty()), lab_(lab) {
    for (const auto& group : lab.groups.or_empty()) {
      groups_.emplace(group.name, &group.value);
      names_.push_back(group.name);
    }
    for (const Entry& entry : document.root.entries) {
      if (entry.key == "defaults" || entry.key == "groups") {
        heaviest_ += weight(entry.value);
      }
    }
  }

  void check_sources() {
    refuse_groups_in(defaults_, "'defaults'");
    for (const auto& group : lab_.groups.or_empty()) {
      refuse_groups_in(group.value, "a group");
    }
  }

  // False when the lab as a whole would become too large.
  bool fill(Named<NodeKeys>& node) {
    constexpr std::size_t kMaxInherited = std::size_t{128} << 20U;
    const auto& chosen = node.value.groups.or_empty();
    inherited_ += heaviest_ * (chosen.empty() ? 1 : chosen.size());
    if (inherited_ > kMaxInherited) {
      problems_.semantic(node.where,
                         "the nodes up to here inherit more than nslab holds in memory",
                         "put less into 'defaults' and 'groups'");
      return false;
    }
    for (auto group = chosen.rbegin(); group != chosen.rend(); ++group) {
      const auto found = groups_.find(group->value);
      if (found != groups_.end()) {
        inherit_block(node.value, *found->second);
      } else {
        refuse_missing(*group);
      }
    }
    inherit_block(node.value, defaults_);
    return true;
  }

 private:
  void refuse_groups_in(const NodeKeys& keys, std::string_view where) {
    if (keys.groups.given()) {
      problems_.semantic(keys.groups.key,
                         "'groups' cannot stand in " + std::string(where),
                         "name the groups in each node");
    }
  }

  void refuse_missing(const Located<std::string>& group) {
    const std::string_view near =
        problems_.full() ? std::string_view() : nearest(group.value, names_);
    problems_.semantic(group.where,
                       "there is no group " + quote(group.value),
                       near.empty() ? "" : "did you mean " + quote(near) + "?");
  }

  Problems& problems_;
  const NodeKeys& defaults_;
  const LabKeys& lab_;
  std::unordered_map<std::string_view, const NodeKeys*> groups_;
  std::vector<std::string_view> names_;
  std::size_t heaviest_ = 0;
  std::size_t inherited_ = 0;
};

}  // namespace

std::optional<Command::Type> Command::read(Problems& problems,
                                           const Value& value,
                                           Subject subject) {
  if (value.is(Value::Kind::scalar) && !trim(value.text).empty()) {
    return Type{"/bin/sh", "-c", value.text};
  }
  if (!value.is(Value::Kind::sequence) || value.items.empty()) {
    refuse(problems, value, subject, "a list of arguments or a text for a shell");
    return std::nullopt;
  }
  const auto list = ListOf<Scalar<Text>>::read(problems, value, subject);
  if (!list || list->size() != value.items.size()) {
    return std::nullopt;
  }
  Type argv;
  for (const auto& argument : *list) {
    argv.push_back(argument.value);
  }
  return argv;
}

Shape Command::shape() {
  Shape text = Text::shape();
  text.noun = "a text for a shell";
  text.pattern = "[\\s\\S]*[^ ][\\s\\S]*";
  Shape list = ListOf<Scalar<Text>, kMaxItems, 1>::shape();
  list.noun = "a list of arguments";
  return {.kind = Shape::Kind::choice, .noun = "", .of = {std::move(list), std::move(text)}};
}

std::optional<Ends::Type> Ends::read(Problems& problems, const Value& value, Subject subject) {
  if (value.is(Value::Kind::sequence) && value.items.size() == 2) {
    return read_each(problems, value.items, subject);
  }
  const std::size_t middle = value.text.find(kEndsMark);
  if (value.is(Value::Kind::scalar) && middle != std::string::npos) {
    const std::string_view text = value.text;
    const std::array<Value, 2> parts{part_of(value, trim(text.substr(0, middle))),
                                     part_of(value, trim(text.substr(middle + kEndsMark.size())))};
    return read_each(problems, parts, subject);
  }
  refuse(problems, value, subject, "two ends, such as web:eth2 -- db:eth1");
  return std::nullopt;
}

Shape Ends::shape() {
  const std::string end = End::shape().pattern;
  Shape text{.kind = Shape::Kind::text,
             .noun = "two ends, such as web:eth2 -- db:eth1",
             .pattern = " *" + end + " *-- *" + end + " *"};
  Shape list{.kind = Shape::Kind::list,
             .noun = "a list of two ends",
             .least = 2,
             .most = 2,
             .of = {Each::shape()}};
  return {.kind = Shape::Kind::choice, .noun = "", .of = {std::move(text), std::move(list)}};
}

LabKeys read_lab_file(Problems& problems, const Document& document) {
  auto lab = read_block<LabKeys>(problems, document.root);
  Inheritance inheritance(problems, lab, document);
  inheritance.check_sources();
  if (lab.nodes) {
    for (Named<NodeKeys>& node : *lab.nodes.value) {
      if (!inheritance.fill(node)) {
        break;
      }
    }
  }
  return lab;
}

}  // namespace nslab::topology
