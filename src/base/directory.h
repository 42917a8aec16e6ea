// What is in a directory.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace nslab {

// The names of what is in it, sorted. None where there is no such directory; an
// error where it cannot be read to its end: what is not seen is not missed.
// (std::filesystem's iterator throws there, whatever error_code it was given.)
Result<std::vector<std::string>> names_in(const std::string& directory);

// The same, of the directories in it alone; links to others are none. By what the file system
// tells while it is read: nothing is asked of each name where it tells.
Result<std::vector<std::string>> directories_in(const std::string& directory);

// Removes a directory that others may use as well: one that is not empty, that somebody has
// mounted something on, or that is not there, is no error.
Result<void> remove_if_empty(const std::string& path);

}  // namespace nslab
