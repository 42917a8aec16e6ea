#include "topology/shape.h"

#include <array>

#include "base/text.h"

namespace nslab::topology {

std::string noun_of(const Shape& shape) {
  if (shape.kind != Shape::Kind::choice) {
    return shape.noun;
  }
  std::vector<std::string> nouns;
  for (const Shape& each : shape.of) {
    nouns.push_back(noun_of(each));
  }
  return join(nouns, " or ");
}

std::string_view name_of(Cost cost) {
  constexpr std::array<std::string_view, 6> kNames{
      "nothing", "service restart", "node restart", "link replaced", "another lab", "see below"};
  return kNames[static_cast<std::size_t>(cost)];
}

}  // namespace nslab::topology
