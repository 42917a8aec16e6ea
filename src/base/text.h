// Small helpers for the text that people read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nslab {

// 'text', with control characters escaped so that a hostile name cannot write
// to the terminal.
std::string quote(std::string_view text);

// The candidate that `word` is most likely a misspelling of; empty when none is
// near (an edit distance of more than a third of the word's length). Of several that
// are as near it is the first of the alphabet, in whatever order they come.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

std::string join(std::span<const std::string> parts, std::string_view separator);

std::vector<std::string_view> split(std::string_view text, char separator);

// "1 node", "3 nodes".
std::string plural(std::uint64_t count, std::string_view noun);

// Bytes in binary units with the letters of the lab file: "128M", "1.5G".
std::string format_bytes(std::uint64_t bytes);

// FNV-1a, 64 bit. Stable between runs, machines and versions: names on the
// host and MAC addresses are made from it.
std::uint64_t stable_hash(std::string_view text);

}  // namespace nslab
