#include "base/printable.h"

#include <algorithm>

namespace nslab {
namespace {

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
}

// How many bytes a character takes that begins so; 0 where none does.
std::size_t length_by(char first) {
  const auto lead = static_cast<unsigned char>(first);
  return lead < 0x80   ? 1
         : lead < 0xc2 ? 0
         : lead < 0xe0 ? 2
         : lead < 0xf0 ? 3
         : lead < 0xf5 ? 4
                       : 0;
}

// The bytes of the UTF-8 character that the text begins with; 0 where it begins
// with none, or with one of the control characters from U+0080 on.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = length_by(text.front());
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

bool is_control(char first) {
  return static_cast<unsigned char>(first) < 0x20 || first == 0x7f;
}

// U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows, so that it
// reads as what it is not.
bool turns_direction(std::string_view character) {
  return character.size() == 3 && ((character >= "\xe2\x80\xaa" && character <= "\xe2\x80\xae") ||
                                   (character >= "\xe2\x81\xa6" && character <= "\xe2\x81\xa9"));
}

std::string hexadecimal(unsigned value, std::size_t digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(digits, '0');
  for (std::size_t place = digits; place-- > 0; value >>= 4U) {
    text[place] = kDigits[value & 0xfU];
  }
  return text;
}

// The code point of three bytes that are one character.
std::string named(std::string_view character) {
  const auto bits = [&](std::size_t place, unsigned mask) {
    return static_cast<unsigned char>(character[place]) & mask;
  };
  return "\\u" + hexadecimal(bits(0, 0x0fU) << 12U | bits(1, 0x3fU) << 6U | bits(2, 0x3fU), 4);
}

}  // namespace

std::string printable(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const std::size_t length = character_length(line);
    const bool control = is_control(line.front()) && line.front() != '\t';
    text += length == 0 || control || turns_direction(line.substr(0, length))
                ? "?"
                : line.substr(0, length);
    line.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text;
}

std::string escaped(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(character_length(text), 1);
    const std::string_view character = text.substr(0, length);
    const char first = text.front();
    if (text.starts_with("\r\n")) {
      // as it is on other machines: a newline
    } else if (first == '\r') {
      shown += "\\r";
    } else if ((is_control(first) && first != '\t' && first != '\n') ||
               character_length(text) == 0) {
      shown += "\\x" + hexadecimal(static_cast<unsigned char>(first), 2);
    } else {
      shown += turns_direction(character) ? named(character) : character;
    }
    text.remove_prefix(length);
  }
  return shown;
}

std::size_t unfinished(std::string_view text) {
  if (text.ends_with('\r')) {
    return 1;
  }
  constexpr std::size_t kLongest = 4;
  for (std::size_t back = 1; back <= std::min(kLongest, text.size()); ++back) {
    const char byte = text[text.size() - back];
    if (begins_character(byte)) {
      return length_by(byte) > back ? back : 0;
    }
  }
  return 0;
}

}  // namespace nslab
