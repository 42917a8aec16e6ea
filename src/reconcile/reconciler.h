// Brings a lab to a desired state: observe, diff, execute, verify; and back to
// what it was when that fails. `up`, `down` and `prune` are this one function
// with different desired states; `plan` and `status` are its first half.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/profile.h"
#include "reconcile/executor.h"
#include "state/record.h"

namespace nslab::reconcile {

struct Report {
  plan::Plan plan;  // what was executed
  Profile profile;  // for -v and the benchmarks
};

// What went wrong, and what became of the lab.
struct Failed {
  std::vector<Error> errors;              // the first one is the cause
  bool rolled_back = false;               // the lab is as it was before, verified
  std::optional<Error> rollback_error{};  // why not
};

class Reconciler {
 public:
  Reconciler(host::Host& host,
             const state::RecordStore& store,
             Progress& progress,
             Interrupted interrupted)
      : host_(host), store_(store), progress_(progress), interrupted_(std::move(interrupted)) {}

  // What apply() would do. Changes nothing.
  Result<plan::Plan> plan(const resource::DesiredState& desired);

  struct Options {
    std::string file;         // for the record
    bool keep_wreck = false;  // leave a failed lab as it is, for a look
  };

  // Makes the host match. With a desired state without resources the lab and its
  // record are removed. On failure the previous state is restored and verified.
  std::optional<Failed> apply(const resource::DesiredState& desired,
                              const Options& options,
                              Report& report);

 private:
  Result<void> converge(const resource::DesiredState& desired, plan::Plan plan, Report& report);
  Failed roll_back(Error cause,
                   state::LabRecord before,
                   const resource::DesiredState& target,
                   Report& report);
  Result<void> save(const state::LabRecord& record, Report& report);

  host::Host& host_;
  const state::RecordStore& store_;
  Progress& progress_;
  Interrupted interrupted_;
};

}  // namespace nslab::reconcile
