// The stages of diff(), in the order of plan.h. Private to this module.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plan/graph.h"
#include "plan/plan.h"

namespace nslab::plan {

// One id of either state, and what is to become of it.
struct Entry {
  const resource::Id* id = nullptr;
  const resource::Desired* desired = nullptr;    // null: the lab does not want it
  const resource::Observed* observed = nullptr;  // null: the host does not have it
  Action action = Action::keep;
  std::string reason{};
  bool gone_with_container = false;
  bool renewed = false;                    // a network namespace of which only the cables stay
  std::optional<resource::Spec> before{};  // what the step finds, where not what is observed

  [[nodiscard]] const resource::Spec& spec() const {
    return desired != nullptr ? desired->spec : observed->spec;
  }

  // Whether the host loses the object as it is now.
  [[nodiscard]] bool goes() const {
    return gone_with_container || action == Action::replace || action == Action::destroy;
  }

  // Whether what lives in it goes.
  [[nodiscard]] bool loses(const Entry& inner) const {
    return goes() || (renewed && inner.id->kind != resource::Kind::veth);
  }
};

class Differ {
 public:
  Differ(const resource::DesiredState& desired,
         const resource::ObservedState& observed,
         const resource::DesiredState* last)
      : desired_(desired), observed_(observed), last_(last) {}

  Plan run();

 private:
  void pair();
  void decide();
  void restart();
  void spread();
  void tell_losses();
  void replace_cut_routes();
  void move_ends();
  Plan order();

  // The interfaces of a state, and what provides them: one can be an end of one cable now
  // and of another soon.
  using Interfaces = std::map<resource::Id, resource::Id>;

  void decide_existing(Entry& entry);
  [[nodiscard]] bool spread_to(Entry& entry);
  [[nodiscard]] bool lacks_interface(const Entry& sysctl) const;
  [[nodiscard]] bool restart_node(const resource::Id& id, std::string reason);
  [[nodiscard]] bool renew_for(const Entry& node);
  [[nodiscard]] bool renew(const resource::Id& netns, const Entry& node);
  [[nodiscard]] bool restart_for(const Entry& cable);
  void find_who_has_run_setup();
  [[nodiscard]] bool was_there(const resource::VethEnd& end, const Entry& cable) const;
  [[nodiscard]] bool has_run_setup(const resource::Id& node) const;
  [[nodiscard]] const Entry* renewed_netns_of(const resource::VethEnd& end) const;
  void find_conflicts();
  static void arrange(std::vector<Step> steps,
                      const Graph& graph,
                      const std::vector<std::size_t>& sequence,
                      Plan& plan);
  [[nodiscard]] bool is_drift(const Entry& entry) const;
  [[nodiscard]] Step step_for(const Entry& entry) const;
  [[nodiscard]] std::vector<const Entry*> neighbours(const Entry& entry) const;
  [[nodiscard]] bool loses_files(const Entry& node) const;
  [[nodiscard]] bool loses_address(const Entry& route) const;
  [[nodiscard]] std::vector<Entry>::const_iterator lower_bound(const resource::Id& id) const;
  [[nodiscard]] Entry* find(const resource::Id& id);
  [[nodiscard]] const Entry* find(const resource::Id& id) const;
  // The same; of an interface what provides it.
  [[nodiscard]] const Entry* find(const resource::Id& id, const Interfaces& interfaces) const;
  static void add_interfaces(const resource::Spec& spec, Interfaces& into);

  const resource::DesiredState& desired_;
  const resource::ObservedState& observed_;
  const resource::DesiredState* last_;
  std::vector<Entry> entries_;  // sorted by id
  Interfaces desired_interfaces_;
  Interfaces observed_interfaces_;
  // Nodes that have run setup lines, by the network namespaces that they are in; and,
  // where there are any, the interfaces that the lab was last brought to.
  std::multimap<resource::Id, resource::Id> has_run_setup_in_;
  std::set<resource::Id> last_interfaces_;
  std::vector<Error> conflicts_;
};

}  // namespace nslab::plan
