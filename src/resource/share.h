// How large a file system in memory may become, as a lab file says it: "64M", "10%" of the
// host's memory, or "" for no limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nslab::resource {

// What a file system has that may hold everything. Not 0, which tmpfs has for no limit: a
// tmpfs that never had one cannot get one.
inline constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 60U;

// In whole pages. `memory` is the host's, in bytes.
std::uint64_t bytes_of_share(std::string_view share, std::uint64_t memory);

// The share that is this many bytes.
std::string share_of_bytes(std::uint64_t bytes);

}  // namespace nslab::resource
