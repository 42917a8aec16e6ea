// Plans and states as text, so that tests compare whole outputs.
#pragma once

#include <string>

#include "plan/plan.h"
#include "resource/state.h"

namespace nslab::test {

// A line per step, then what is implied, then the conflicts:
//   ~ veth:web/eth0 (a.mtu 1500 → 9000)
//   + service:web/http (missing, drift)
//   . address:web/eth0/10.1.0.1/24
//   ! netns:web exists on this host and nslab did not make it
std::string print(const plan::Plan& plan);

// A line of JSON per object, in the order of ids; "foreign" before what is not ours.
std::string print(const resource::ObservedState& state);

// What a host would show that has exactly this.
resource::ObservedState as_observed(const resource::DesiredState& desired);

}  // namespace nslab::test
