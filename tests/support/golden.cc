#include "support/golden.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

namespace nslab::test {

namespace fs = std::filesystem;

fs::path golden_directory(const std::string& kind) {
  return fs::path(NSLAB_SOURCE_DIR) / "tests" / "golden" / kind;
}

std::vector<fs::path> golden_cases(const std::string& kind) {
  std::vector<fs::path> cases;
  for (const fs::directory_entry& entry : fs::directory_iterator(golden_directory(kind))) {
    cases.push_back(entry.path());
  }
  std::ranges::sort(cases);
  return cases;
}

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void check_golden(const fs::path& path, const std::string& actual) {
  const char* const update = std::getenv("NSLAB_UPDATE_GOLDEN");
  if (update != nullptr && std::string(update) == "1") {
    std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  INFO(path.string());
  CHECK(actual == read_file(path));
}

}  // namespace nslab::test
