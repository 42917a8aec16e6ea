// Files in the lab's own directory, which only root can reach.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "host/layout.h"

namespace nslab::host {

// The directory and those above it that are missing.
Result<void> make_directories(const std::string& path);

// The directory alone; one that is there already is no error.
Result<void> make_directory(const std::string& path);

// Writes in place, so that who has the file open or below an overlay sees it.
Result<void> write_file(const std::string& path, std::string_view content, mode_t mode = 0644);

// Unmounts what is mounted on a file, and removes the file, where there is one.
Result<void> remove_mounted(const std::string& path);
// At the end of a file, which is made where it is not there.
Result<void> append_line(const std::string& path, const std::string& line);
// For what nslab remembers of a lab, which a kill must not leave half written.
Result<void> remember(const Layout& layout, const std::string& path, std::string_view content);

// What a resource/share.h is on this host.
Result<std::uint64_t> bytes_of(std::string_view share);

// Where a symbolic link leads; empty for what is none.
Result<std::string> link_target(const std::string& path);

// Nothing when it cannot be read.
std::optional<std::string> read_file(const std::string& path);

}  // namespace nslab::host
