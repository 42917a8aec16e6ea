// Colour, where the output is a terminal that wants it.
#pragma once

#include <string>
#include <string_view>

namespace nslab::report {

enum class Colour : unsigned char {
  none,
  red,
  green,
  yellow,
  cyan,
  faint,
  bold,
};

class Style {
 public:
  explicit Style(bool coloured = false) : coloured_(coloured) {}

  [[nodiscard]] std::string paint(Colour colour, std::string_view text) const;

 private:
  bool coloured_;
};

}  // namespace nslab::report
