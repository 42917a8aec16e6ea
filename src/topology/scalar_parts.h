// What the grammars of single values have in common. Private to this module.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "topology/shape.h"

namespace nslab::topology {

inline constexpr std::string_view kDigits = "0123456789";

inline bool is_digit(char each) {
  return each >= '0' && each <= '9';
}

inline bool is_letter(char each) {
  return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z');
}

// A letter, then letters, digits and `more`.
inline bool is_word(std::string_view text, std::string_view more) {
  return !text.empty() && is_letter(text[0]) && std::ranges::all_of(text, [&](char each) {
    return is_letter(each) || is_digit(each) || more.find(each) != std::string_view::npos;
  });
}

inline Shape text_shape(std::string noun, std::string pattern = {}) {
  return {.kind = Shape::Kind::text, .noun = std::move(noun), .pattern = std::move(pattern)};
}

}  // namespace nslab::topology
