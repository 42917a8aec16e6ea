// What labs have left on this host, whoever remembers them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace nslab::host {

// The labs that have a directory or record below `state_dir`, a mount, a cgroup
// or a name where `ip netns` looks; sorted.
Result<std::vector<std::string>> labs_on_host(const std::string& state_dir);

// Where no lab is left: removes what all labs share, as a command leaves it that
// was killed just before its end.
void remove_unused(const std::string& state_dir);

}  // namespace nslab::host
