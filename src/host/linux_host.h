// The real host: this machine's kernel, for one lab.
#pragma once

#include <memory>
#include <string>

#include "host/host.h"
#include "host/interrupt.h"

namespace nslab::host {

struct Context;

class LinuxHost final : public Host {
 public:
  // Finds the host's cgroup hierarchies; changes nothing. Fails where the caller
  // is not root.
  static Result<std::unique_ptr<LinuxHost>> open(const std::string& state_dir,
                                                 const std::string& lab,
                                                 Interrupt interrupt);

  ~LinuxHost() override;

  std::vector<Error> obstacles(const resource::DesiredState& desired, Made made) override;
  std::vector<Error> warnings(const resource::DesiredState& desired) override;
  Outcome confirm(std::span<const resource::Spec* const> services) override;
  Result<resource::ObservedState> observe() override;
  Result<resource::ObservedState> observe(const Places& places) override;
  Outcome create(std::span<const resource::Spec* const> batch) override;

  [[nodiscard]] bool prepare_side_by_side() override;

  Outcome change(std::span<const Change> batch) override;
  Outcome destroy(std::span<const resource::Spec* const> batch) override;
  Result<std::vector<Error>> settle() override;
  Result<LabStatus> inspect() override;
  [[nodiscard]] bool interrupted() const override;
  void heed_interrupts(bool heed) override;
  void release_reserve() override;

  // From now on observe() reads how much went through interfaces, for inspect().
  void count_traffic();

 private:
  Result<resource::ObservedState> look(const Places* only);
  explicit LinuxHost(std::unique_ptr<Context> context);

  template <typename T>
  void note_change();

  std::unique_ptr<Context> context_;
  // Others may have learnt what is no longer so.
  bool network_changed_ = false;
};

}  // namespace nslab::host
