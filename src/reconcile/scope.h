// The part of a lab that a plan reaches: what is to be compared again once it was
// executed. The rest was read in the same command, found to be as asked, and left alone.
#pragma once

#include <optional>

#include "host/host.h"
#include "plan/plan.h"
#include "resource/state.h"

namespace nslab::reconcile {

// Theory of operation. A step reaches the places of its object, as it was and as it is to
// be: those of both ends of a cable. All that is in such a place is compared, cables that
// lead out of it too; so their other ends are read as well. What else is in the places
// of those ends is not compared, as its own cables may end where nobody looks.
class Scope {
 public:
  // `before` is what the plan was made from.
  Scope(const resource::DesiredState& desired, const resource::ObservedState& before)
      : desired_(desired), before_(before) {}

  // Adds what a further plan for the same lab reaches.
  void reach(const plan::Plan& plan);
  void reach(const plan::Step& step);
  void reach(const resource::Spec& spec);

  // Where to look; nothing for the whole lab: a plan that makes or removes it, or touches
  // so much that looking everywhere costs little more.
  [[nodiscard]] std::optional<host::Places> places() const;

  // Of a state, what is to be compared.
  [[nodiscard]] resource::DesiredState part_of(const resource::DesiredState& state) const;
  [[nodiscard]] resource::ObservedState part_of(resource::ObservedState state) const;

 private:
  [[nodiscard]] bool holds(const resource::Spec& spec) const;

  const resource::DesiredState& desired_;
  const resource::ObservedState& before_;
  host::Places reached_;
  bool whole_ = false;
};

}  // namespace nslab::reconcile
