// Numbers and quantities of a lab file.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "resource/share.h"
#include "topology/grammar.h"
#include "topology/scalar.h"
#include "topology/scalar_parts.h"

namespace nslab::topology {
namespace {

// Digits, then a unit.
struct Quantity {
  std::optional<std::uint64_t> number;
  std::string_view unit;
};

Quantity split_unit(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of(kDigits), text.size());
  return {parse_decimal(text.substr(0, end)), text.substr(end)};
}

std::optional<std::uint64_t> product(std::uint64_t left, std::uint64_t right) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result)) {
    return std::nullopt;
  }
  return result;
}

}  // namespace

bool reads_as_number(std::string_view text) {
  if (text == "true" || text == "false") {
    return true;
  }
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    text.remove_prefix(1);
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    return text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  }
  // Digits with at most one point, then perhaps an exponent.
  const std::size_t end = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, end);
  std::string_view exponent = text.substr(std::min(end + 1, text.size()));
  if (!exponent.empty() && (exponent[0] == '-' || exponent[0] == '+')) {
    exponent.remove_prefix(1);
  }
  return mantissa.find_first_of(kDigits) != std::string_view::npos &&
         mantissa.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::ranges::count(mantissa, '.') <= 1 && (end == text.size() || !exponent.empty()) &&
         exponent.find_first_not_of(kDigits) == std::string_view::npos;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed_to, status] = std::from_chars(text.data(), end, number);
  const bool padded = text.size() > 1 && text[0] == '0';
  if (status != std::errc{} || parsed_to != end || padded) {
    return std::nullopt;
  }
  return number;
}

std::string decimal_hint(std::string_view text) {
  if (text.size() > 1 && text[0] == '0' && text.find_first_not_of(kDigits) == text.npos) {
    return "write it without leading zeros; numbers are decimal";
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    return "write it in decimal";
  }
  return {};
}

std::optional<bool> Flag::parse(std::string_view text) {
  if (text != "true" && text != "false") {
    return std::nullopt;
  }
  return text == "true";
}

std::string Flag::hint(std::string_view text) {
  constexpr std::array<std::string_view, 6> kYes{"yes", "Yes", "on", "On", "True", "TRUE"};
  constexpr std::array<std::string_view, 6> kNo{"no", "No", "off", "Off", "False", "FALSE"};
  if (std::ranges::find(kYes, text) != kYes.end()) {
    return "write true";
  }
  return std::ranges::find(kNo, text) != kNo.end() ? "write false" : "";
}

Shape Flag::shape() {
  return {.kind = Shape::Kind::flag, .noun = "true or false"};
}

std::optional<std::uint64_t> Cpus::parse(std::string_view text) {
  constexpr std::uint64_t kMaxCpus = 8192;
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto whole = parse_decimal(text.substr(0, point));
  std::string fraction(text.substr(std::min(point + 1, text.size())));
  const bool bad_fraction = fraction.size() > 3 || (point < text.size() && fraction.empty()) ||
                            fraction.find_first_not_of(kDigits) != std::string::npos;
  if (!whole || *whole > kMaxCpus || bad_fraction) {
    return std::nullopt;
  }
  fraction.resize(3, '0');
  const std::uint64_t millis = *whole * 1000 + std::stoul(fraction);
  return millis == 0 || millis > kMaxCpus * 1000 ? std::nullopt : std::optional(millis);
}

Shape Cpus::shape() {
  return {.kind = Shape::Kind::number,
          .noun = "a number of CPUs above 0 and up to 8192, such as 0.5",
          .least = 0,
          .most = 8192};
}

// 1 EiB, more than any host has: near 2^63 the kernel takes limits for none.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 60U;

std::optional<std::uint64_t> Size::parse(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  const auto [number, unit] = split_unit(text);
  const std::size_t power = kUnits.find(unit);
  if (!number || unit.size() != 1 || power == std::string_view::npos) {
    return std::nullopt;
  }
  const auto bytes = product(*number, std::uint64_t{1} << (10 * (power + 1)));
  return bytes && *bytes <= kMostBytes ? bytes : std::nullopt;
}

std::string Size::hint(std::string_view text) {
  constexpr std::string_view kUnits = "KMGTkmgt";
  const auto [number, unit] = split_unit(text);
  if (number && unit.starts_with('.')) {
    return "write it without a fraction, in a smaller unit";
  }
  if (number && unit.size() == 1 && std::string_view("KMGT").find(unit) != kUnits.npos) {
    return "the most is 1048576T";
  }
  if (!number || unit.size() > 3 || (!unit.empty() && kUnits.find(unit[0]) == kUnits.npos)) {
    return {};
  }
  if (unit.empty()) {
    return "say the unit, such as " + quote(std::string(text) + "M") +
           "; K, M, G and T are powers of 1024";
  }
  const char letter = static_cast<char>(unit[0] & ~0x20);
  return "write " + quote(std::to_string(*number) + letter) + "; K, M, G and T are powers of 1024";
}

Shape Size::shape() {
  return text_shape("a size such as 64M", "(0|[1-9][0-9]*)[KMGT]");
}

std::optional<std::uint64_t> MemorySize::parse(std::string_view text) {
  const auto bytes = Size::parse(text);
  return bytes && *bytes >= std::uint64_t{1} << 20U ? bytes : std::nullopt;
}

std::string MemorySize::hint(std::string_view text) {
  return Size::parse(text) ? "" : Size::hint(text);
}

Shape MemorySize::shape() {
  Shape shape = Size::shape();
  shape.noun = "a size of at least 1M";
  return shape;
}

std::optional<std::string> Share::parse(std::string_view text) {
  if (text.ends_with('%')) {
    const auto percent = parse_decimal(text.substr(0, text.size() - 1));
    return percent && *percent >= 1 && *percent <= 100 ? std::optional(std::string(text))
                                                       : std::nullopt;
  }
  const auto bytes = MemorySize::parse(text);
  return bytes ? std::optional(resource::share_of_bytes(*bytes)) : std::nullopt;
}

std::string Share::hint(std::string_view text) {
  return text.ends_with('%') ? "write a whole number of per cent" : MemorySize::hint(text);
}

Shape Share::shape() {
  return text_shape("a size of at least 1M, such as 64M, or a share such as 10%",
                    "(0|[1-9][0-9]*)[KMGT]|([1-9][0-9]?|100)%");
}

std::optional<Duration::Type> Duration::parse(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kUnits{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  constexpr std::uint64_t kMaxDays = 36500;
  const auto [number, unit] = split_unit(text);
  for (const auto& [name, factor] : kUnits) {
    if (number && name == unit) {
      const auto millis = product(*number, factor);
      return millis && *millis <= kMaxDays * 86'400'000
                 ? std::optional(Type(static_cast<std::int64_t>(*millis)))
                 : std::nullopt;
    }
  }
  return std::nullopt;
}

std::string Duration::hint(std::string_view text) {
  const auto [number, unit] = split_unit(text);
  if (number && unit.empty()) {
    return "say the unit, such as " + quote(std::string(text) + "s") + "; there are ms, s, m, h, d";
  }
  constexpr std::array<std::string_view, 5> kUnits{"ms", "s", "m", "h", "d"};
  if (std::ranges::find(kUnits, unit) != kUnits.end()) {
    return "36500d is the most";
  }
  return number ? "the units are ms, s, m, h, d" : "";
}

Shape Duration::shape() {
  return text_shape("a time such as 500ms or 5s", "(0|[1-9][0-9]*)(ms|s|m|h|d)");
}

std::optional<ClockOffset::Type> ClockOffset::parse(std::string_view text) {
  const bool back = text.starts_with('-');
  const auto span = Duration::parse(text.substr(back ? 1 : 0));
  if (!span || text.ends_with("ms")) {
    return std::nullopt;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*span);
  return back ? -seconds : seconds;
}

std::string ClockOffset::hint(std::string_view text) {
  return text.ends_with("ms") ? "clocks are set off by whole seconds" : Duration::hint(text);
}

Shape ClockOffset::shape() {
  return text_shape("a time such as 7d or -10s", "-?(0|[1-9][0-9]*)(s|m|h|d)");
}

std::optional<std::string> CpuSet::parse(std::string_view text) {
  constexpr std::uint64_t kMaxCpu = 8191;
  for (const std::string_view range : split(text, ',')) {
    const std::size_t dash = range.find('-');
    const auto first = parse_decimal(range.substr(0, dash));
    const auto last = dash == range.npos ? first : parse_decimal(range.substr(dash + 1));
    if (!first || !last || *first > *last || *last > kMaxCpu) {
      return std::nullopt;
    }
  }
  return std::string(text);
}

Shape CpuSet::shape() {
  Shape shape = text_shape("a list of CPUs such as 0-1,3", "[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*");
  shape.any_scalar = true;
  return shape;
}

}  // namespace nslab::topology
