// Every error that a lab file can have, as the user reads it.
#include <catch2/catch.hpp>

#include "report/diagnostics.h"
#include "support/golden.h"
#include "topology/load.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;

// The one lab file of a case.
fs::path lab_of(const fs::path& directory) {
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == ".yaml") {
      return entry.path();
    }
  }
  FAIL("no lab file in " << directory);
  return {};
}

}  // namespace

TEST_CASE("lab file: every error has its place, its reason and a hint") {
  for (const fs::path& directory : test::golden_cases("errors")) {
    const fs::path lab = lab_of(directory);
    const std::string text = test::read_file(lab);
    Diagnostics diagnostics;
    const auto loaded =
        load_lab(text, lab.filename().string(), lab.stem().string(), diagnostics, "/labs");
    INFO(directory.string());
    CHECK_FALSE(loaded.has_value());
    CHECK_FALSE(diagnostics.ok());
    for (const Error& error : diagnostics.errors()) {
      CHECK(error.where.known());
    }
    test::check_golden(directory / "expected.txt", report::render(diagnostics, text));
  }
}

}  // namespace nslab
