// Sizes of file systems in memory, as lab files say them.
#include "resource/share.h"

#include <catch2/catch.hpp>

namespace nslab::resource {
namespace {

constexpr std::uint64_t kMemory = 1'000'000'000;

}  // namespace

TEST_CASE("share: sizes and parts of the memory, in whole pages") {
  CHECK(bytes_of_share("64M", kMemory) == 64U << 20U);
  CHECK(bytes_of_share("5K", kMemory) == 8192);
  CHECK(bytes_of_share("10%", kMemory) == 99'999'744);
  CHECK(bytes_of_share("100%", kMemory) == 999'997'440);
}

TEST_CASE("share: nothing is no limit, and so is more than a file system can have") {
  CHECK(bytes_of_share("", kMemory) == kUnlimited);
  CHECK(bytes_of_share("8000000T", kMemory) == kUnlimited);
  CHECK(share_of_bytes(kUnlimited).empty());
  CHECK(share_of_bytes(0).empty());
}

TEST_CASE("share: what is observed is said as it would be written") {
  for (const char* text : {"64M", "1G", "1028K", "3T"}) {
    CHECK(share_of_bytes(bytes_of_share(text, kMemory)) == text);
  }
}

}  // namespace nslab::resource
