// Who made a lab, as its own tmpfs says: also where the state directory was moved to, and to
// a command whose environment names another cgroup.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "host/layout.h"

namespace nslab::host {

struct MadeBy {
  std::string mark;           // state_mark()
  std::string cgroup_parent;  // the name of the cgroup that its own is in
};

// Of the lab whose tmpfs is mounted at the directory; nothing where that does not say.
std::optional<MadeBy> read_made_by(const std::string& lab_dir);
// Into the lab's tmpfs, which was just mounted.
Result<void> write_made_by(const Layout& layout, const std::string& cgroup_parent);

// The name of the cgroup that the lab's is in, or is to be in.
std::string cgroup_parent_of(const Layout& layout);

}  // namespace nslab::host
