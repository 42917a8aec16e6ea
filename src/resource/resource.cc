#include "resource/resource.h"

#include <algorithm>

namespace nslab::resource {
namespace {

template <typename... Specs>
constexpr bool in_order_of_kind(const std::variant<Specs...>* /*type*/) {
  std::size_t index = 0;
  return ((static_cast<std::size_t>(Specs::kKind) == index++) && ...) && (Resource<Specs> && ...) &&
         sizeof...(Specs) == static_cast<std::size_t>(Kind::interface);
}

static_assert(in_order_of_kind(static_cast<const Spec*>(nullptr)));

std::string path(std::string_view first, std::string_view second) {
  return std::string(first) + "/" + std::string(second);
}

// "web/etc/motd": the node, then an absolute path.
std::string in_node(std::string_view node, std::string_view absolute) {
  return std::string(node) + std::string(absolute);
}

bool of_network(const Sysctl& spec) {
  return spec.key.starts_with("net.");
}

// The objects that hold one object of each type.
struct Containers {
  std::vector<Id> operator()(const Lab& /*spec*/) const { return {}; }

  std::vector<Id> operator()(const SharedFile& /*spec*/) const { return {kLabId}; }

  std::vector<Id> operator()(const Cgroup& /*spec*/) const { return {kLabId}; }

  std::vector<Id> operator()(const UserNs& /*spec*/) const { return {kLabId}; }

  std::vector<Id> operator()(const NetNs& spec) const {
    if (spec.userns.empty()) {
      return {kLabId};
    }
    return {kLabId, {Kind::userns, spec.userns}};
  }

  std::vector<Id> operator()(const Bridge& /*spec*/) const { return {netns_id(kSwitch)}; }

  std::vector<Id> operator()(const Veth& spec) const {
    return {netns_id(spec.a.netns), netns_id(spec.b.netns)};
  }

  std::vector<Id> operator()(const Link& spec) const { return {netns_id(spec.netns)}; }

  std::vector<Id> operator()(const Address& spec) const {
    return {netns_id(spec.netns), interface_id(spec.netns, spec.interface)};
  }

  std::vector<Id> operator()(const Route& spec) const {
    if (spec.interface.empty()) {
      return {netns_id(spec.netns)};
    }
    return {netns_id(spec.netns), interface_id(spec.netns, spec.interface)};
  }

  std::vector<Id> operator()(const Node& spec) const {
    std::vector<Id> held{kLabId};
    for (std::size_t i = 0; i < kNsTypeNames.size(); ++i) {
      const NsChoice& choice = spec.namespaces[i];
      const auto type = static_cast<NsType>(i);
      const std::string& owner = choice.mode == NsChoice::Mode::node ? choice.of : spec.name;
      if (choice.mode == NsChoice::Mode::host) {
        continue;
      }
      if (type == NsType::net) {
        held.push_back(netns_id(owner));
      } else if (type == NsType::user) {
        held.push_back({Kind::userns, owner});
      } else if (choice.mode == NsChoice::Mode::node) {
        held.push_back(node_id(owner));
      }
    }
    return held;
  }

  std::vector<Id> operator()(const Sysctl& spec) const {
    return {of_network(spec) ? netns_id(spec.node) : node_id(spec.node)};
  }

  std::vector<Id> operator()(const Mount& spec) const { return {node_id(spec.node)}; }

  std::vector<Id> operator()(const Directory& spec) const { return {node_id(spec.node)}; }

  std::vector<Id> operator()(const File& spec) const { return {node_id(spec.node)}; }

  std::vector<Id> operator()(const Setup& spec) const { return {node_id(spec.node)}; }

  std::vector<Id> operator()(const Service& spec) const { return {node_id(spec.node)}; }
};

}  // namespace

std::string to_string(const Id& id) {
  const std::string kind(kKindNames[static_cast<std::size_t>(id.kind)]);
  return id == kLabId ? kind : kind + ":" + id.name;
}

std::string title_of(const VethEnd& end) {
  return end.netns == kSwitch ? "port " + end.name : end.netns + ":" + end.name;
}

std::string title_of(const Spec& spec) {
  const auto* veth = std::get_if<Veth>(&spec);
  if (veth == nullptr) {
    return to_string(id_of(spec));
  }
  const VethEnd& far = veth->b;
  const std::string to = !far.bridge.empty() ? far.bridge : far.netns.empty() ? "?" : title_of(far);
  return "cable " + title_of(veth->a) + " -- " + to;
}

std::optional<Id> parse_id(std::string_view text) {
  if (text == kKindNames.front()) {
    return kLabId;
  }
  const std::size_t colon = text.find(':');
  const auto* const name = std::ranges::find(kKindNames, text.substr(0, colon));
  if (colon == std::string_view::npos || name == kKindNames.end()) {
    return std::nullopt;
  }
  return Id{static_cast<Kind>(name - kKindNames.begin()), std::string(text.substr(colon + 1))};
}

Id id_of(const Lab& /*spec*/) {
  return kLabId;
}

Id id_of(const SharedFile& spec) {
  return {Kind::shared_file, in_node(spec.of, spec.path)};
}

Id id_of(const Cgroup& spec) {
  return {Kind::cgroup, spec.node};
}

Id id_of(const UserNs& spec) {
  return {Kind::userns, spec.node};
}

Id id_of(const NetNs& spec) {
  return netns_id(spec.name);
}

Id id_of(const Bridge& spec) {
  return {Kind::bridge, spec.name};
}

Id id_of(const Veth& spec) {
  return veth_id(spec.a.netns, spec.a.name);
}

Id id_of(const Link& spec) {
  return {Kind::link, path(spec.netns, spec.name)};
}

Id id_of(const Address& spec) {
  return {Kind::address, path(path(spec.netns, spec.interface), to_string(spec.address))};
}

Id id_of(const Route& spec) {
  std::string name = path(spec.netns, spec.to.length == 0 ? "default" : to_string(spec.to));
  if (spec.to.length == 0 && spec.to.address.is_v6()) {
    name += "6";
  }
  if (spec.metric != 0) {
    name += "@" + std::to_string(spec.metric);
  }
  return {Kind::route, name};
}

Id id_of(const Node& spec) {
  return node_id(spec.name);
}

Id id_of(const Sysctl& spec) {
  return {Kind::sysctl, path(spec.node, spec.key)};
}

Id id_of(const Mount& spec) {
  return {Kind::mount, in_node(spec.node, spec.target)};
}

Id id_of(const Directory& spec) {
  return {Kind::directory, in_node(spec.node, spec.path)};
}

Id id_of(const File& spec) {
  return {Kind::file, in_node(spec.node, spec.path)};
}

Id id_of(const Setup& spec) {
  return {Kind::setup, path(spec.node, std::to_string(spec.index + 1))};
}

Id id_of(const Service& spec) {
  return service_id(spec.node, spec.name);
}

Id id_of(const Spec& spec) {
  return std::visit([](const auto& each) { return id_of(each); }, spec);
}

std::vector<Id> containers_of(const Spec& spec) {
  return std::visit(Containers{}, spec);
}

std::vector<Id> interfaces_of(const Spec& spec) {
  if (const auto* veth = std::get_if<Veth>(&spec)) {
    return {interface_id(veth->a.netns, veth->a.name), interface_id(veth->b.netns, veth->b.name)};
  }
  if (const auto* bridge = std::get_if<Bridge>(&spec)) {
    return {interface_id(kSwitch, bridge->name)};
  }
  if (const auto* link = std::get_if<Link>(&spec)) {
    return {interface_id(link->netns, link->name)};
  }
  return {};
}

std::vector<Id> dependencies_of(const Spec& spec) {
  if (const auto* veth = std::get_if<Veth>(&spec)) {
    return {{Kind::bridge, veth->a.bridge}, {Kind::bridge, veth->b.bridge}};
  }
  if (const auto* node = std::get_if<Node>(&spec)) {
    return {{Kind::cgroup, node->name}};
  }
  if (const auto* setup = std::get_if<Setup>(&spec); setup != nullptr && setup->index > 0) {
    return {{Kind::setup, path(setup->node, std::to_string(setup->index))}};
  }
  return {};
}

std::optional<Id> node_of(const Spec& spec) {
  return std::visit(
      [](const auto& each) -> std::optional<Id> {
        if constexpr (requires { each.node; }) {
          return node_id(each.node);
        } else {
          return std::nullopt;
        }
      },
      spec);
}

std::vector<std::string> places_of(const Spec& spec) {
  std::vector<std::string> places = std::visit(
      [](const auto& each) -> std::vector<std::string> {
        using T = std::remove_cvref_t<decltype(each)>;
        if constexpr (std::is_same_v<T, Veth>) {
          return {each.a.netns, each.b.netns};
        } else if constexpr (std::is_same_v<T, Bridge>) {
          return {std::string(kSwitch)};
        } else if constexpr (std::is_same_v<T, NetNs>) {
          return {each.name};
        } else if constexpr (std::is_same_v<T, Node>) {
          std::vector<std::string> found{each.name};
          for (const NsChoice& choice : each.namespaces) {
            found.push_back(choice.of);
          }
          return found;
        } else if constexpr (requires { each.netns; }) {
          return {each.netns};
        } else if constexpr (requires { each.node; }) {
          return {each.node};
        } else {
          return {};
        }
      },
      spec);
  std::erase(places, "");
  return places;
}

Id node_id(std::string_view node) {
  return {Kind::node, std::string(node)};
}

Id netns_id(std::string_view netns) {
  return {Kind::netns, std::string(netns)};
}

Id interface_id(std::string_view netns, std::string_view interface) {
  return {Kind::interface, path(netns, interface)};
}

Id veth_id(std::string_view netns, std::string_view interface) {
  return {Kind::veth, path(netns, interface)};
}

Id service_id(std::string_view node, std::string_view service) {
  return service.empty() ? Id{Kind::service, std::string(node)}
                         : Id{Kind::service, path(node, service)};
}

}  // namespace nslab::resource
