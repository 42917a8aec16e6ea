#include "resource/share.h"

#include <charconv>

namespace nslab::resource {
namespace {

constexpr std::string_view kUnits = "KMGT";
constexpr std::uint64_t kPage = 4096;

}  // namespace

std::uint64_t bytes_of_share(std::string_view share, std::uint64_t memory) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(share.data(), share.data() + share.size(), number);
  if (failed != std::errc{}) {
    return kUnlimited;
  }
  const std::string_view unit(end, share.data() + share.size());
  if (unit == "%") {
    return memory / 100 * number / kPage * kPage;
  }
  if (const std::size_t power = unit.empty() ? kUnits.npos : kUnits.find(unit);
      power != kUnits.npos) {
    number <<= 10 * (power + 1);
  }
  return number >= kUnlimited ? kUnlimited : (number + kPage - 1) / kPage * kPage;
}

std::string share_of_bytes(std::uint64_t bytes) {
  if (bytes == 0 || bytes >= kUnlimited) {
    return "";
  }
  std::size_t power = 0;
  while (power < kUnits.size() && bytes % 1024 == 0) {
    bytes /= 1024;
    ++power;
  }
  return std::to_string(bytes) + (power == 0 ? "" : std::string(1, kUnits[power - 1]));
}

}  // namespace nslab::resource
