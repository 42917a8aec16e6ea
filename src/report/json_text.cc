#include "report/json_text.h"

#include <array>
#include <cstdio>

namespace nslab::report {

std::string json_text(const nlohmann::ordered_json& json) {
  const std::string dumped =
      json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string text;
  for (std::size_t i = 0; i < dumped.size(); ++i) {
    const auto byte = static_cast<unsigned char>(dumped[i]);
    const auto next = static_cast<unsigned char>(i + 1 < dumped.size() ? dumped[i + 1] : 0);
    const bool second_set = byte == 0xc2 && next < 0xa0;  // U+0080 to U+009F
    if (byte != 0x7f && !second_set) {
      text += dumped[i];
      continue;
    }
    std::array<char, 8> escape{};
    std::snprintf(escape.data(), escape.size(), "\\u%04x", second_set ? next : byte);
    text += escape.data();
    i += second_set ? 1 : 0;
  }
  return text + "\n";
}

}  // namespace nslab::report
