#include <cstdio>
#include <cstdlib>

#include "fuzz/targets.h"

namespace nslab::fuzz {

void require(bool condition, const char* what) {
  if (!condition) {
    std::fprintf(stderr, "not so: %s\n", what);
    std::abort();
  }
}

}  // namespace nslab::fuzz
