// libFuzzer's way in, compiled once for each target.
#include <cstddef>
#include <cstdint>

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nslab::fuzz::NSLAB_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
