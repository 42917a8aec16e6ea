#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <utility>

namespace nslab {
namespace {

// Letters added, left out, replaced, or swapped with their neighbour; `limit` for
// what is not less than that.
std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit) {
  const auto same = static_cast<std::size_t>(std::ranges::mismatch(left, right).in1 - left.begin());
  left.remove_prefix(same);
  right.remove_prefix(same);
  const std::size_t longer = std::max(left.size(), right.size());
  if (longer - std::min(left.size(), right.size()) >= limit) {
    return limit;
  }
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  std::vector<std::size_t> above = row;
  std::vector<std::size_t> two_above = row;
  std::size_t least_above = 0;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::swap(two_above, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
    const std::size_t least = *std::ranges::min_element(row);
    if (std::min(least, least_above + 1) >= limit) {
      return limit;
    }
    least_above = least;
  }
  return std::min(row.back(), limit);
}

}  // namespace

std::string quote(std::string_view text) {
  std::string quoted = "'";
  unsigned char last = 0;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    // U+0080 to U+009F are control characters as well: 0xC2, then 0x80 to 0x9F.
    const bool second_of_control = last == 0xc2 && byte >= 0x80 && byte < 0xa0;
    last = byte;
    if (byte >= 0x20 && byte != 0x7f && !second_of_control) {
      quoted += each;
      continue;
    }
    if (second_of_control) {
      quoted.pop_back();
    }
    std::array<char, 5> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", byte);
    quoted += escaped.data();
  }
  return quoted + "'";
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate, best_distance + 1);
    const bool nearer = distance < best_distance || (distance == best_distance && candidate < best);
    if (nearer && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (&part != parts.data()) {
      joined += separator;
    }
    joined += part;
  }
  return joined;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::string_view kUnits = "BKMGT";
  std::size_t unit = 0;
  auto scaled = static_cast<double>(bytes);
  while (scaled >= 1024 && unit + 1 < kUnits.size()) {
    scaled /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  const bool whole = scaled >= 100 || scaled == static_cast<double>(static_cast<int>(scaled));
  std::snprintf(text.data(), text.size(), whole ? "%.0f%c" : "%.1f%c", scaled, kUnits[unit]);
  return text.data();
}

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char each : text) {
    hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace nslab
