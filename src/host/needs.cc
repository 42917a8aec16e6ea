#include "host/needs.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "probe/examine.h"

namespace nslab::host {
namespace {

using resource::NsChoice;
using resource::NsType;

// In the order of NsType. The network and user namespaces are resources of their own.
constexpr std::array<std::string_view, resource::kNsTypeNames.size()> kNamespaces{
    "namespace:cgroup",
    "namespace:ipc",
    "",
    "namespace:mnt",
    "namespace:pid",
    "namespace:time",
    "",
    "namespace:uts"};

using Needs = std::vector<Need>;

Needs needs(const resource::Cgroup& spec) {
  const std::string who = "node " + quote(spec.node);
  Needs found;
  const auto add = [&](bool limited, std::string_view feature) {
    if (limited) {
      found.push_back({feature, who});
    }
  };
  add(spec.memory.has_value(), "cgroup:memory");
  add(spec.swap.has_value(), "cgroup:swap");
  add(spec.cpu_millis || spec.cpu_weight, "cgroup:cpu");
  add(!spec.cpuset.empty(), "cgroup:cpuset");
  add(spec.pids && spec.pids != resource::kDefaultPids, "cgroup:pids");
  return found;
}

Needs needs(const resource::UserNs& spec) {
  return {{"namespace:user", "node " + quote(spec.node)}};
}

Needs needs(const resource::NetNs& spec) {
  return {
      {"namespace:net", spec.name == resource::kSwitch ? "the lab" : "node " + quote(spec.name)}};
}

Needs needs(const resource::Bridge& spec) {
  return {{"bridge", "subnet " + quote(spec.name)}};
}

Needs needs(const resource::Veth& spec) {
  return {{"veth", "interface " + quote(spec.a.netns + ":" + spec.a.name)}};
}

Needs needs(const resource::Address& spec) {
  if (!spec.address.address.is_v6()) {
    return {};
  }
  return {{"ipv6", "interface " + quote(spec.netns + ":" + spec.interface)}};
}

Needs needs(const resource::Node& spec) {
  const std::string who = "node " + quote(spec.name);
  Needs found;
  for (std::size_t i = 0; i < kNamespaces.size(); ++i) {
    if (!kNamespaces[i].empty() && spec.namespaces[i].mode == NsChoice::Mode::own) {
      found.push_back({kNamespaces[i], who});
    }
  }
  if (spec.root != "host" && spec.ns(NsType::mnt).mode == NsChoice::Mode::own) {
    found.push_back({"overlayfs", who});
  }
  return found;
}

template <typename T>
Needs needs(const T& /*spec*/) {
  return {};
}

// Who needs a feature: the first in the file speaks for the others.
struct Claim {
  std::string who;
  SourcePos where;
  std::uint32_t order = 0;
  std::size_t others = 0;
};

std::map<std::string_view, Claim> claims_of(Made made) {
  std::map<std::string_view, Claim> claims;
  for (const resource::Desired* entry : made) {
    for (Need& need : needs_of(entry->spec)) {
      Claim claim{std::move(need.who), entry->origin, entry->order};
      const auto [place, is_new] = claims.try_emplace(need.feature, claim);
      if (!is_new) {
        claim.others = place->second.others + 1;
        if (claim.order < place->second.order) {
          place->second = std::move(claim);
        } else {
          place->second.others = claim.others;
        }
      }
    }
  }
  return claims;
}

Error lack_of(const probe::Verdict& verdict, const Claim& claim) {
  std::string message = claim.who;
  if (claim.others > 0) {
    message += " and " + std::to_string(claim.others) + " more need ";
  } else {
    message += " needs ";
  }
  message += std::string(verdict.feature->what) + ", which this host lacks";
  if (!verdict.finding.detail.empty()) {
    message += ": " + verdict.finding.detail;
  }
  return Error{.kind = ErrorKind::missing,
               .message = std::move(message),
               .where = claim.where,
               .hint = std::string(verdict.remedy()) + "; 'nslab doctor' shows what else it lacks"};
}

}  // namespace

std::vector<Need> needs_of(const resource::Spec& spec) {
  return std::visit([](const auto& each) { return needs(each); }, spec);
}

std::vector<Error> lacking(Made made) {
  std::vector<Error> errors;
  for (const auto& [id, claim] : claims_of(made)) {
    const probe::Verdict verdict = probe::look_for(*probe::find_feature(id));
    if (verdict.finding.state == probe::State::missing) {
      errors.push_back(lack_of(verdict, claim));
    }
  }
  return errors;
}

}  // namespace nslab::host
