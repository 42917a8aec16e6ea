// Network namespaces that nodes have left behind by starting again. Nothing of nslab's is in
// them; one ends with its last process, of which none is nslab's either. Until then it has
// a name in the lab's directory, so that `down` knows of it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/layout.h"

namespace nslab::host {

// The namespace that has that name now has another one from now on.
Result<void> leave_behind(const Layout& layout, const std::string& netns);

struct LeftBehind {
  std::string path;
  std::string netns;  // the name that it had
};

// By their inodes.
Result<std::map<std::uint64_t, LeftBehind>> left_behind(const Layout& layout);

// What a file in Layout::ns_dir() is the name of: "web" for one left behind too.
std::string netns_of_file(std::string_view file);

}  // namespace nslab::host
