// What is looked at in the bytes of a lab file before a YAML parser sees them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "topology/document.h"

namespace nslab::topology {

struct TextFault {
  std::size_t offset = 0;
  std::string message;
  std::string hint{};
};

// The first thing that makes a text no lab file: its size, bytes that are not
// UTF-8, control characters, tabs that indent, a quote that is never closed,
// brackets nested more than kMaxNesting deep. The parser would take seconds for
// the last and let most of the others pass in silence.
std::optional<TextFault> check_text(std::string_view text);

// Its part that follows brackets, quotes and indentation.
std::optional<TextFault> check_structure(std::string_view text);

// Length of the well-formed UTF-8 sequence that `text` begins with; 0 if none.
std::size_t utf8_length(std::string_view text);

// Places in a text, from byte offsets or from (line, byte column), in any order. None
// takes longer for a long line: a file can be one line of a million values.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);

  [[nodiscard]] Mark at_offset(std::size_t offset) const;
  // `line` and `byte_column` count from 0, as the YAML parser does.
  [[nodiscard]] Mark at(std::size_t line, std::size_t byte_column) const;

 private:
  [[nodiscard]] std::size_t characters_before(std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> starts_;      // of the lines
  std::vector<std::size_t> characters_;  // before every kStride-th byte
};

}  // namespace nslab::topology
