// The lab file that the user named: its text, and which file it is.
#pragma once

#include <string>

#include "base/result.h"
#include "state/record.h"

namespace nslab::cli {

struct Source {
  state::LabSource lab;
  std::string shown;         // as the user wrote it: for messages
  std::string default_name;  // of the lab, where the file says none
};

// "-" is standard input. What is no regular file, such as the /dev/fd/63 of a shell's
// <(...), is as good as that: it cannot be read again, and its relative paths begin
// where the user is. Fails with not_found where there is no such file, else with usage.
Result<Source> read_source(const std::string& target);

// The path of a file without links, ".." and the like; also of one that is gone.
std::string canonical_path(const std::string& target);

// Whether a lab that came from `before` came from the lab file at hand: by another path,
// from a directory that was moved since, or as a copy, for all that can be known.
bool is_same_file(const state::LabSource& before, const state::LabSource& now);

}  // namespace nslab::cli
