#include "fuzz/targets.h"
#include "report/diagnostics.h"
#include "resource/json.h"
#include "topology/load.h"

namespace nslab::fuzz {

void lab_file(std::string_view bytes) {
  Diagnostics diagnostics;
  const auto loaded = load_lab(bytes, "lab.yaml", "lab", diagnostics, "/labs");
  require(loaded.has_value() == diagnostics.ok(), "a lab, or an error");
  for (const Error& error : diagnostics.errors()) {
    require(error.where.line >= 1 && error.where.column >= 1, "every error has a position");
    require(!error.message.empty(), "every error says something");
  }
  const std::string text = report::render(diagnostics, bytes);
  require(text.empty() == diagnostics.ok(), "errors are printed");
  if (!loaded) {
    return;
  }
  for (const auto& [id, desired] : loaded->desired.resources) {
    require(id == id_of(desired.spec), "an object is found by what it is");
    const auto again = resource::from_json_text(resource::to_json_text(desired.spec));
    require(again && *again == desired.spec, "an object is the same after it was written and read");
  }
}

}  // namespace nslab::fuzz
