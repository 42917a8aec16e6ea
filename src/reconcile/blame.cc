#include "reconcile/blame.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "resource/difference.h"

namespace nslab::reconcile {
namespace {

std::string node_of_command(const plan::Step& step) {
  return node_of(*step.after)->name;
}

// The one of these nodes that is in the network namespace, or is, the place.
const std::string* node_at(const resource::DesiredState& desired,
                           const std::set<std::string>& nodes,
                           std::string_view place) {
  for (const std::string& each : nodes) {
    const auto node = desired.resources.find(resource::node_id(each));
    if (node == desired.resources.end()) {
      continue;
    }
    const auto& net = std::get<resource::Node>(node->second.spec).ns(resource::NsType::net);
    if (each == place || (net.mode == resource::NsChoice::Mode::node && net.of == place)) {
      return &each;
    }
  }
  return nullptr;
}

// What has become of an object at one of the places of `nodes`, "a:eth1 mtu is 1300, not
// 1400", and which of them it was.
struct Changed {
  std::string node;
  std::string what;
};

std::optional<Changed> changed_by(const resource::DesiredState& desired,
                                  const std::set<std::string>& nodes,
                                  const plan::Step& step) {
  const resource::Spec& spec = step.after ? *step.after : *step.before;
  const auto* veth = std::get_if<resource::Veth>(&spec);
  std::vector<std::string> places = resource::places_of(spec);
  const bool changed = step.before && step.after;
  if (changed) {
    for (const auto& each : resource::differences(*step.before, *step.after)) {
      if (veth != nullptr) {
        const auto& end = each.field.starts_with(title_of(veth->a) + " ") ? veth->a : veth->b;
        places = {end.netns};
      }
      for (const std::string& place : places) {
        if (const auto* node = node_at(desired, nodes, place)) {
          if (veth != nullptr && each.field.ends_with(" found as") && each.before == "nothing") {
            return Changed{*node,
                           each.after +
                               " is gone, or has another alias: nslab knows its "
                               "interfaces by theirs"};
          }
          const std::string subject =
              veth != nullptr ? each.field : title_of(spec) + " " + each.field;
          return Changed{*node, subject + " is " + each.before + ", not " + each.after};
        }
      }
    }
    return std::nullopt;
  }
  for (const std::string& place : places) {
    if (const auto* node = node_at(desired, nodes, place)) {
      return Changed{*node, title_of(spec) + (step.after ? " is gone" : " is in the way")};
    }
  }
  return std::nullopt;
}

constexpr const char* kWhoseItIs =
    "what the file says is not the node's to change: take it out of the file, where it then is "
    "the node's own, or say it there as the node has it; a further name of an interface is an "
    "altname";

}  // namespace

bool is_command(const plan::Step& step) {
  return step.id.kind >= resource::Kind::setup;
}

bool runs_setup(const plan::Step& step) {
  return step.id.kind == resource::Kind::setup && step.action == plan::Action::create;
}

std::set<std::string> nodes_of_last_setups(std::span<const plan::Step> done) {
  std::set<std::string> nodes;
  while (!done.empty() && runs_setup(done.back())) {
    nodes.insert(node_of_command(done.back()));
    done = done.first(done.size() - 1);
  }
  return nodes;
}

std::optional<Error> broken_by_setup(const resource::DesiredState& desired,
                                     const std::set<std::string>& nodes,
                                     const plan::Plan& left) {
  std::optional<Error> first;
  for (const plan::Step& step : left.steps()) {
    auto changed = changed_by(desired, nodes, step);
    if (!changed || (first && step.id.kind != resource::Kind::veth)) {
      continue;
    }
    first = Error{.kind = ErrorKind::node,
                  .message = "setup of node " + quote(changed->node) +
                             " has changed what the lab file says: " + changed->what,
                  .where = step.origin,
                  .hint = kWhoseItIs};
    if (step.id.kind == resource::Kind::veth) {
      break;
    }
  }
  return first;
}

std::optional<std::vector<Error>> drift_by_services(const resource::DesiredState& desired,
                                                    const plan::Plan& executed,
                                                    const plan::Plan& left) {
  std::set<std::string> nodes;
  for (const plan::Step& step : executed.steps()) {
    if (step.id.kind == resource::Kind::service && step.after) {
      nodes.insert(node_of_command(step));
    }
  }
  std::vector<Error> warnings;
  for (const plan::Step& step : left.steps()) {
    auto changed = is_command(step) ? std::nullopt : changed_by(desired, nodes, step);
    if (!changed) {
      return std::nullopt;
    }
    warnings.push_back({.kind = ErrorKind::node,
                        .message = "a service of node " + quote(changed->node) +
                                   " has changed what the lab file says: " + changed->what,
                        .where = step.origin,
                        .hint = "it is drift from now on: the next 'nslab up' sets it back"});
  }
  return warnings;
}

}  // namespace nslab::reconcile
