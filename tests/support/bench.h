// A reconciler with all that it needs, on a FakeHost.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "reconcile/reconciler.h"
#include "state/record.h"
#include "support/fake_host.h"
#include "support/scratch.h"

namespace nslab::test {

class Silent : public reconcile::Progress {
 public:
  void begin(std::span<const plan::Step> /*steps*/,
             std::size_t /*done*/,
             std::size_t /*all*/) override {}

  void stage(const char* /*name*/) override {}
};

class Bench {
 public:
  ScratchDirectory directory;
  state::RecordStore store{directory.path() + "/state"};
  FakeHost host;

  // The file's text is made up: it is remembered what it says.
  std::optional<reconcile::Failed> apply(const resource::DesiredState& desired,
                                         reconcile::Reconciler::Options options = {});
  plan::Plan plan(const resource::DesiredState& desired);

 private:
  reconcile::Reconciler reconciler();
  state::LabSource source_of(const resource::DesiredState& desired, std::string file);

  Silent progress_;
  std::map<std::string, resource::DesiredState> said_;  // by the text of a lab file
};

// "cause; not rolled back: why".
std::string to_string(const reconcile::Failed& failed);

// Only what nslab did not make.
resource::ObservedState foreign_of(const resource::ObservedState& state);

}  // namespace nslab::test
