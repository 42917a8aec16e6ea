// What the fuzz targets found, and what they begin with: see tools/fuzz.
#include <filesystem>
#include <functional>

#include <catch2/catch.hpp>

#include "fuzz/targets.h"
#include "support/golden.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;

int run_all(const fs::path& directory, const std::function<void(std::string_view)>& target) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && entry.path().filename() != "README") {
      CAPTURE(entry.path());
      target(test::read_file(entry.path()));
      ++count;
    }
  }
  return count;
}

const fs::path kTests = fs::path(NSLAB_SOURCE_DIR) / "tests";

}  // namespace

TEST_CASE("fuzz: lab files") {
  CHECK(run_all(kTests.parent_path() / "labs", fuzz::lab_file) > 0);
  CHECK(run_all(kTests / "golden", fuzz::lab_file) > 0);
  (void)run_all(kTests / "fuzz/found/lab_file", fuzz::lab_file);
}

TEST_CASE("fuzz: records") {
  CHECK(run_all(kTests / "fuzz/seeds/record", fuzz::record) > 0);
  (void)run_all(kTests / "fuzz/found/record", fuzz::record);
}

TEST_CASE("fuzz: packets") {
  CHECK(run_all(kTests / "fuzz/seeds/packet", fuzz::packet) > 0);
  (void)run_all(kTests / "fuzz/found/packet", fuzz::packet);
}

}  // namespace nslab
