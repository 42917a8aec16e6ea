#include "report/style.h"

#include <array>

namespace nslab::report {

std::string Style::paint(Colour colour, std::string_view text) const {
  // SGR parameters of ECMA-48, in the order of Colour.
  constexpr std::array<std::string_view, 7> kCodes{"0", "31", "32", "33", "36", "2", "1"};
  if (!coloured_ || colour == Colour::none) {
    return std::string(text);
  }
  return "\x1b[" + std::string(kCodes[static_cast<std::size_t>(colour)]) + "m" + std::string(text) +
         "\x1b[0m";
}

}  // namespace nslab::report
