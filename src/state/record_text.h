// The text of a file of a record. Private to this module and its tests: others use
// record.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "state/record.h"

namespace nslab::state {

// One file: a line with the version and the sum of the rest, a line of JSON, and the
// lab file's text as it was read.
struct RecordEntry {
  std::string lab;
  std::string boot_id;  // of the boot that the kernel objects belong to
  LabSource source;
};

std::string to_text(const RecordEntry& entry);

// Nothing for what is damaged or of another version.
std::optional<RecordEntry> from_text(std::string_view text);

// Whether another version has written it during this boot. Every version begins with such a
// line, and says its boot in the second.
bool is_of_another_version(std::string_view text, std::string_view boot);

// The text of a file in which this follows its first line: with its sum.
std::string with_header(std::string_view body);

// This boot's id, from /proc/sys/kernel/random/boot_id; empty when unreadable.
std::string boot_id();

}  // namespace nslab::state
