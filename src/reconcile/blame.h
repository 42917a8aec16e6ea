// Who has changed what the lab file says while it was brought up: setup commands, which may
// not, or services (decision 20).
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/plan.h"
#include "resource/state.h"

namespace nslab::reconcile {

// A setup command or a service.
bool is_command(const plan::Step& step);

bool runs_setup(const plan::Step& step);

// The nodes of the setup commands that `done` ends with.
std::set<std::string> nodes_of_last_setups(std::span<const plan::Step> done);

// The first thing that the file says and setup of these nodes has changed. What follows from it
// may stand before it in the plan.
std::optional<Error> broken_by_setup(const resource::DesiredState& desired,
                                     const std::set<std::string>& nodes,
                                     const plan::Plan& left);

// Services may do as they like, whenever they do it: what they change of what the file says
// is drift. Nothing where the plan has other steps as well.
std::optional<std::vector<Error>> drift_by_services(const resource::DesiredState& desired,
                                                    const plan::Plan& executed,
                                                    const plan::Plan& left);

}  // namespace nslab::reconcile
