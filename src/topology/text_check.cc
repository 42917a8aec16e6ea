#include "topology/text_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/text.h"

namespace nslab::topology {
namespace {

constexpr std::size_t kStride = 64;

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char each) { return (static_cast<unsigned char>(each) & 0xc0U) != 0x80; }));
}

std::string code_point_name(unsigned code_point) {
  std::array<char, 12> name{};
  std::snprintf(name.data(), name.size(), "U+%04X", code_point);
  return name.data();
}

// As in a text in double quotes.
std::string escape(unsigned code_point) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\x%02x", code_point & 0xffU);
  return text.data();
}

// A control character that may not stand in a lab file; nothing for others.
std::optional<unsigned> control_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first == '\r') {
    return text.substr(0, 2) == "\r\n" ? std::nullopt : std::optional<unsigned>(first);
  }
  if ((first < 0x20 && first != '\t' && first != '\n') || first == 0x7f) {
    return first;
  }
  if (first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) {
    return static_cast<unsigned char>(text[1]);
  }
  return std::nullopt;
}

std::optional<TextFault> check_bytes(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) {
      return TextFault{at, "the file is not UTF-8 text", "save it in the encoding UTF-8"};
    }
    if (const auto control = control_character(text.substr(at))) {
      return TextFault{
          at,
          "control character " + code_point_name(*control),
          *control == 0 ? "" : "remove it, or write it in double quotes as " + escape(*control)};
    }
    at += length;
  }
  return std::nullopt;
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty() || byte(0) < 0x80) {
    return text.empty() ? 0 : 1;
  }
  const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) {
      return 0;
    }
  }
  // Overlong forms, UTF-16 surrogates, and what lies beyond U+10FFFF.
  const bool bad = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f) ||
                   (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f);
  return bad ? 0 : length;
}

std::optional<TextFault> check_text(std::string_view text) {
  if (text.size() > kMaxFileBytes) {
    return TextFault{0,
                     "the file has " + std::to_string(text.size()) +
                         " bytes; a lab file has at most " + std::to_string(kMaxFileBytes)};
  }
  if (auto fault = check_bytes(text)) {
    return fault;
  }
  return check_structure(text);
}

LineIndex::LineIndex(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    starts_.push_back(at + 1);
  }
  std::size_t before = 0;
  for (std::size_t at = 0; at <= text.size(); at += kStride) {
    characters_.push_back(before);
    before += count_characters(text.substr(at, kStride));
  }
}

Mark LineIndex::at_offset(std::size_t offset) const {
  const auto next = std::ranges::upper_bound(starts_, offset);
  const auto line = static_cast<std::size_t>(next - starts_.begin()) - 1;
  return at(line, offset - starts_[line]);
}

Mark LineIndex::at(std::size_t line, std::size_t byte_column) const {
  line = std::min(line, starts_.size() - 1);
  const std::size_t start = starts_[line];
  const std::size_t end = start + std::min(byte_column, text_.size() - start);
  const std::size_t column = characters_before(end) - characters_before(start);
  return {static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(column + 1)};
}

std::size_t LineIndex::characters_before(std::size_t offset) const {
  const std::size_t counted = offset - offset % kStride;
  return characters_[offset / kStride] + count_characters(text_.substr(counted, offset - counted));
}

}  // namespace nslab::topology
