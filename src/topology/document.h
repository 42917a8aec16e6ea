// A lab file as a located tree: what is written, and where.
//
// The tree holds only what a lab file may use. Duplicate keys, aliases, merge
// keys, tags, further documents, deep nesting and text that is not clean UTF-8
// are refused here, so that nothing after this needs to know of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace nslab::topology {

inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20U;
inline constexpr std::size_t kMaxNesting = 32;

// A place in the one file that is being read; SourcePos without its name. Lines
// and columns start at 1; a column counts characters, not bytes.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  [[nodiscard]] bool known() const { return line != 0; }

  auto operator<=>(const Mark&) const = default;
};

struct Entry;

struct Value {
  enum class Kind : std::uint8_t {
    null,  // nothing after the colon, ~ or null; marked at its key
    scalar,
    sequence,
    mapping,
  };

  Kind kind = Kind::null;
  bool quoted = false;  // of a scalar: in quotes, or as a block (| or >)
  Mark mark;
  std::string text;            // of a scalar, as written
  std::vector<Value> items;    // of a sequence
  std::vector<Entry> entries;  // of a mapping, in the order of the file; keys are unique

  [[nodiscard]] bool is(Kind other) const { return kind == other; }
};

struct Entry {
  std::string key;
  Mark mark;  // of the key
  Value value;
};

struct Document {
  std::shared_ptr<const std::string> file;
  Value root;  // a mapping

  [[nodiscard]] SourcePos at(Mark mark) const { return {file, mark.line, mark.column}; }
};

// Reads a whole file. Nothing when it has no tree to go on with; a tree may
// come together with diagnostics, and then holds what could be understood.
std::optional<Document> read_document(std::string_view text,
                                      std::string file_name,
                                      Diagnostics& diagnostics);

}  // namespace nslab::topology
