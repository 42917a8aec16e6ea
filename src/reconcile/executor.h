// Walks a plan against a host, batch by batch.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/profile.h"
#include "host/host.h"
#include "plan/plan.h"

namespace nslab::reconcile {

// Told of every batch before and after it; for progress and logs.
class Progress {
 public:
  virtual ~Progress() = default;

  // `done` steps of `all` have ended; the next batch is `steps`.
  virtual void begin(std::span<const plan::Step> steps, std::size_t done, std::size_t all) = 0;
  // A stage that is no step: "verifying", "rolling back", ...
  virtual void stage(const char* name) = 0;

  // What will go wrong though the command goes on.
  virtual void warn(const std::vector<Error>& /*warnings*/) {}
};

// What is done between two batches: an error ends the execution. `done` and `rest` are
// the steps, each replacement taken apart.
using Between =
    std::function<Result<void>(std::span<const plan::Step> done, std::span<const plan::Step> rest)>;

// Executes the plan as batches of one action and kind: first what goes, then what
// changes and comes (plan/halves.h). Progress is told of these halves, and
// each kind of batch is a phase of the profile. Stops at the first failure
// and returns it, with the position in the lab file of what asked for the object; also where
// the host says between two batches that it is interrupted. What was done is not undone.
Result<void> execute(const plan::Plan& plan,
                     host::Host& host,
                     Progress& progress,
                     Profile& profile,
                     const Between& between = {});

}  // namespace nslab::reconcile
