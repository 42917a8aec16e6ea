// Brings a lab to a desired state: observe, diff, execute, verify; and back to
// what it was when that fails. `up`, `down` and `prune` are this one function
// with different desired states; `plan` and `status` are its first half.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/profile.h"
#include "reconcile/executor.h"
#include "reconcile/scope.h"
#include "state/record.h"

namespace nslab::reconcile {

struct Report {
  plan::Plan plan;  // what was executed
  Profile profile;  // for -v and the benchmarks
};

// What a lab file that was recorded asks for. Nothing where it cannot be read any
// more: another version of nslab wrote it down.
using ReadSource = std::function<std::optional<resource::DesiredState>(
    const std::string& lab, const state::LabSource& source)>;

// What went wrong, and what became of the lab.
struct Failed {
  std::vector<Error> errors;              // the first one is the cause
  bool rolled_back = false;               // the lab is as it was before, verified
  bool put_back = false;                  // it had been changed, and was brought back to that
  bool gone = false;                      // which is: nothing is there of it
  std::optional<Error> rollback_error{};  // why not
};

class Reconciler {
 public:
  Reconciler(host::Host& host, const state::RecordStore& store, Progress& progress, ReadSource read)
      : host_(host), store_(store), progress_(progress), read_(std::move(read)) {}

  // What apply() would do. Changes nothing. `source` is what `desired` was read from, and
  // `seen` what host.observe() has just said, where it was asked beforehand: it is moved from.
  Result<plan::Plan> plan(const resource::DesiredState& desired,
                          const state::LabSource& source,
                          resource::ObservedState* seen = nullptr);

  // Why the host cannot execute the plan, each with its line: what stands in the way, and
  // what it lacks. And what will go wrong with what the plan makes, though it can be made.
  std::vector<Error> obstacles(const resource::DesiredState& desired, const plan::Plan& plan);
  std::vector<Error> warnings(const resource::DesiredState& desired, const plan::Plan& plan);

  struct Options {
    state::LabSource source{};  // what `desired` was read from, for the record
    bool keep_wreck = false;    // leave a failed lab as it is, for a look
    // The report's plan is to be shown: with what is drift, which takes reading the recorded
    // file, and with all that goes along where the lab goes.
    bool shown = false;
    resource::ObservedState* seen = nullptr;  // as of plan()
    // Asked before anything is changed: why the plan should not be carried out after all.
    std::function<std::optional<Error>(const plan::Plan&)> objection{};
  };

  // Makes the host match. With a desired state without resources the lab and its
  // record are removed. On failure the previous state is restored and verified.
  std::optional<Failed> apply(const resource::DesiredState& desired,
                              const Options& options,
                              Report& report);

 private:
  // What the lab was last brought to, for diff(); null where that is not known. Reads
  // the recorded file only where it says something else than this one.
  const resource::DesiredState* last_applied(const state::LabRecord& record,
                                             const resource::DesiredState& desired,
                                             const state::LabSource& source);
  resource::DesiredState previous(const std::string& lab,
                                  const state::LabRecord& record,
                                  const resource::ObservedState& observed) const;
  // Executes the plan that `before` led to, and once more what is then left to do;
  // verifies.
  Result<void> converge(const resource::DesiredState& desired,
                        const resource::ObservedState& before,
                        const plan::Plan& first,
                        Report& report);
  Result<plan::Plan> left_to_do(const resource::DesiredState& desired, const Scope& scope);
  // What differs there of all that is made before commands run and is not in `rest`.
  Result<plan::Plan> left_before_commands(const resource::DesiredState& desired,
                                          const Scope& scope,
                                          std::span<const plan::Step> rest);
  // Between two batches: mends what the plan's own steps made the kernel drop before the
  // first command runs, and looks at what setup commands have done when they have run.
  Result<void> between(const resource::DesiredState& desired,
                       const resource::ObservedState& before,
                       std::span<const plan::Step> done,
                       std::span<const plan::Step> rest,
                       Report& report);
  Failed roll_back(Error cause,
                   const state::LabRecord& before,
                   const resource::DesiredState& target,
                   Report& report);
  Result<void> intend(const resource::DesiredState& desired,
                      const state::LabSource& source,
                      const state::LabRecord& before,
                      Report& report);
  Result<void> restore(const std::string& lab, const state::LabSource& applied);
  void withdraw(const std::string& lab, const state::LabRecord& before);
  Result<void> commit(const resource::DesiredState& desired, Report& report);

  host::Host& host_;
  const state::RecordStore& store_;
  Progress& progress_;
  ReadSource read_;
  std::optional<resource::DesiredState> last_;  // what last_applied() has read
};

}  // namespace nslab::reconcile
