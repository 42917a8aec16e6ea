#include "fuzz/targets.h"
#include "state/record_text.h"

namespace nslab::fuzz {
namespace {

void read(std::string_view text) {
  const auto record = state::from_text(text);
  if (!record) {
    return;
  }
  // What was read is written and read again as the same, whatever it was.
  const std::string written = state::to_text(*record);
  const auto again = state::from_text(written);
  require(again.has_value(), "what is written can be read");
  require(state::to_text(*again) == written, "a record is the same after it was written and read");
}

}  // namespace

void record(std::string_view bytes) {
  read(bytes);
  read(state::with_header(bytes));
}

}  // namespace nslab::fuzz
