#include "base/printable.h"

#include <algorithm>

namespace nslab {
namespace {

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
}

// The bytes of the UTF-8 character that the text begins with; 0 where it begins
// with none, or with one of the control characters from U+0080 on.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length > text.size()) {
    return 0;
  }
  // Overlong forms, UTF-16 surrogates, and what lies beyond U+10FFFF.
  const auto second = static_cast<unsigned char>(length > 1 ? text[1] : 0);
  if ((lead == 0xc2 && second < 0xa0) || (lead == 0xe0 && second < 0xa0) ||
      (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
      (lead == 0xf4 && second > 0x8f)) {
    return 0;
  }
  const auto rest = text.substr(std::min<std::size_t>(length, 1), length == 0 ? 0 : length - 1);
  return std::ranges::any_of(rest, begins_character) ? 0 : length;
}

}  // namespace

std::string printable(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const std::size_t length = character_length(line);
    const bool control =
        (static_cast<unsigned char>(line.front()) < 0x20 && line.front() != '\t') ||
        line.front() == 0x7f;
    text += length == 0 || control ? "?" : line.substr(0, length);
    line.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text;
}

}  // namespace nslab
