// The one seam between deciding and doing. The reconciler sees a host only
// through this; LinuxHost is the real one, FakeHost that of the tests.
//
// All calls take batches of one kind, so that the fast way is the only way. A
// batch stops at its first failure or soon after it; what it has done by then is
// not undone here, and observe() finds it.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "host/status.h"
#include "resource/state.h"

namespace nslab::host {

struct Change {
  const resource::Spec* before;
  const resource::Spec* after;
};

// Which member of a batch failed, and how.
struct Failure {
  std::size_t index = 0;
  Error error;
};

// Nothing when the whole batch is done.
using Outcome = std::optional<Failure>;

// What of a lab is to be made or changed.
using Made = std::span<const resource::Desired* const>;

// Nodes and the switch, by the names of resource::places_of().
using Places = std::set<std::string, std::less<>>;

class Host {
 public:
  virtual ~Host() = default;

  // Why this host cannot make these objects of the lab, each with its line: a missing
  // cgroup controller, no overlayfs, no room for all that the lab then has. Changes
  // nothing.
  virtual std::vector<Error> obstacles(const resource::DesiredState& desired, Made made) = 0;

  // What will go wrong in a lab that can be brought up, each with its line.
  virtual std::vector<Error> warnings(const resource::DesiredState& desired) = 0;

  // Everything of the lab that the host has, found by nslab's marks and not by
  // any record; and, in the lab's namespaces, what others made.
  virtual Result<resource::ObservedState> observe() = 0;

  // The same of these places alone, and of what belongs to all. A cable that ends in
  // another place as well may be seen without that end, or not at all.
  virtual Result<resource::ObservedState> observe(const Places& places) = 0;

  virtual Outcome create(std::span<const resource::Spec* const> batch) = 0;

  // Gets ready for one thread to create nodes while another creates bridges, cables,
  // addresses and routes. False where that cannot be.
  [[nodiscard]] virtual bool prepare_side_by_side() { return false; }

  virtual Outcome change(std::span<const Change> batch) = 0;
  // The specs are as observed.
  virtual Outcome destroy(std::span<const resource::Spec* const> batch) = 0;

  // Whether services that were created stand: waits until each has run for a quarter of a
  // second or, where it has a way to tell, is ready.
  virtual Outcome confirm(std::span<const resource::Spec* const> services) = 0;

  // Waits until the kernel has let go of everything that was destroyed: many
  // objects die asynchronously. An error names what still holds on. What holds on to
  // what a restarted node has left behind is in nobody's way: a warning.
  virtual Result<std::vector<Error>> settle() = 0;

  // What the specs do not say: processes, memory, counters.
  virtual Result<LabStatus> inspect() = 0;

  // The user wants the command to end: a wait, a long batch and the walk through a plan do.
  [[nodiscard]] virtual bool interrupted() const = 0;
  // Whether that is heeded. At first it is; what puts a lab back is not ended by the
  // interrupt that it comes from.
  virtual void heed_interrupts(bool heed) = 0;

  // A lab is put back from now on, perhaps because there is no memory: what was set aside for
  // that is free.
  virtual void release_reserve() {}
};

}  // namespace nslab::host
