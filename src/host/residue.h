// What labs have left on this host, whoever remembers them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace nslab::host {

// The labs that have a directory or record below `state_dir`, a mount, a cgroup
// or a name where `ip netns` looks; sorted.
Result<std::vector<std::string>> labs_on_host(const std::string& state_dir);

// The state directory of the nslab that made a lab of this name, where that is another one:
// its cgroup says so.
std::optional<std::string> made_elsewhere(const std::string& state_dir, const std::string& lab);

// Where no lab is left: removes what all labs share, as a command leaves it that
// was killed just before its end.
void remove_unused(const std::string& state_dir);

}  // namespace nslab::host
