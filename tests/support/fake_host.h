// A host in memory. It acts as the kernel does where that matters to what
// decides: objects need what they live in, names can be taken, what lives in an
// object goes with it, and some changes lose more than they say. It can fail at
// any object, and be changed behind nslab's back.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "host/host.h"
#include "resource/resource.h"

namespace nslab::test {

// Where a FakeHost fails. Objects are counted over all calls from fail() on.
struct Fault {
  enum class When : std::uint8_t {
    before,        // nothing was done to the object
    after,         // it was done, but the acknowledgement is lost
    after_others,  // nothing was done to it, but everything else of the batch was
  };
  std::size_t object = 0;  // from 0
  When when = When::before;
  int os_error = 5;  // EIO
};

class FakeHost : public host::Host {
 public:
  std::vector<Error> obstacles(const resource::DesiredState& desired, host::Made made) override;
  std::vector<Error> warnings(const resource::DesiredState& desired) override;
  Result<resource::ObservedState> observe() override;
  Result<resource::ObservedState> observe(const host::Places& places) override;
  host::Outcome create(std::span<const resource::Spec* const> batch) override;

  // Then the order of `calls` is the threads'.
  [[nodiscard]] bool prepare_side_by_side() override { return side_by_side; }

  bool side_by_side = false;
  host::Outcome change(std::span<const host::Change> batch) override;
  host::Outcome destroy(std::span<const resource::Spec* const> batch) override;
  // Fails at those of short_lived, which it takes to be no more.
  host::Outcome confirm(std::span<const resource::Spec* const> services) override;
  Result<std::vector<Error>> settle() override;
  Result<host::LabStatus> inspect() override;

  [[nodiscard]] bool interrupted() const override { return heeds_interrupts_ && interrupt(); }

  void heed_interrupts(bool heed) override { heeds_interrupts_ = heed; }

  // Whether the user has interrupted.
  std::function<bool()> interrupt = [] { return false; };

  // From now on fails at one object, once.
  void fail(Fault fault);

  // From now on every observe() fails, or none does.
  void go_blind(bool blind) { blind_ = blind; }

  // Whether the fault of the last fail() has come about.
  [[nodiscard]] bool has_failed() const { return failed_; }

  // How many objects were created, changed and destroyed, or tried to be.
  [[nodiscard]] std::size_t touched() const { return touched_; }

  // What the host has. Tests write to it as somebody with a shell would.
  resource::ObservedState world;
  // Removes one object with all that goes with it, as somebody with a shell would.
  void lose(const resource::Id& id);
  // Services that end soon after their start, by their names.
  std::set<std::string> short_lived;
  // What stands in the way of every lab.
  std::vector<Error> missing;
  // "create veth:web/eth0 veth:db/eth0", a line per call.
  std::vector<std::string> calls;

 private:
  using Complaint = std::optional<Error>;

  template <typename Member, typename Act>
  host::Outcome run(const char* verb, std::span<const Member> batch, Act act);
  Complaint do_create(const resource::Spec& spec);
  Complaint do_change(const host::Change& change);
  Complaint renew(const resource::NetNs& netns);
  Complaint do_destroy(const resource::Spec& spec);
  [[nodiscard]] Complaint lacks(const resource::Spec& spec) const;
  [[nodiscard]] bool has(const resource::Id& id) const;
  [[nodiscard]] bool has_interface(const std::string& netns, const std::string& name) const;
  [[nodiscard]] bool reaches(const resource::Route& route) const;
  void forget(const resource::Id& id);
  void drop_routes_without_address();
  void free_ports_of(const std::string& bridge);

  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::optional<Fault> fault_;
  std::size_t countdown_ = 0;
  bool failed_ = false;
  bool blind_ = false;
  bool heeds_interrupts_ = true;
  std::size_t touched_ = 0;
  // Interfaces ("@switch/web.eth0") whose other end went with its namespace: the
  // kernel lets go of them some time later.
  std::set<std::string> dying_;
  // Interfaces that have moved into another namespace, and were not touched since.
  std::set<std::string> moved_;
};

}  // namespace nslab::test
