#include "topology/lower.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "topology/names.h"

namespace nslab::topology {
namespace {

using resource::DesiredState;
using resource::Id;
using resource::kSwitch;
using resource::NsChoice;
using resource::NsType;

std::vector<std::string> variables(const Environment::Type& base, const Environment::Type& more) {
  Environment::Type merged = more;
  Environment::inherit(merged, base);
  std::vector<std::string> texts;
  for (const auto& variable : merged) {
    texts.push_back(variable.name + "=" + variable.value);
  }
  return texts;
}

bool has_own_tree(const Node& node) {
  return node.owns(NsType::mnt) && node.keys.root.value_or("overlay") != "host";
}

// Directories that everybody writes to, wherever they are.
bool is_for_all(std::string_view path) {
  return path == "/tmp" || path == "/var/tmp" || path == "/dev/shm";
}

class Lowering {
 public:
  explicit Lowering(const Topology& topology) : topology_(topology), port_names_(topology) {
    state_.lab = topology.name;
    state_.description = topology.description;
    for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
      places_.emplace(topology.nodes[i].name, i);
    }
  }

  DesiredState run() {
    const SourcePos top = topology_.at({1, 1});
    state_.add(resource::Lab{.name = topology_.name, .layers = topology_.layers}, top);
    const HostsFile hosts(topology_);
    state_.add(resource::SharedFile{"/etc/hosts", hosts.text()}, top);
    for (const Node& node : topology_.nodes) {
      std::string own = has_own_tree(node) ? hosts.own_text(node) : "";
      if (!own.empty()) {
        state_.add(resource::SharedFile{"/etc/hosts", std::move(own), node.name},
                   topology_.at(node.where));
      }
    }
    state_.add(
        resource::SharedFile{"/etc/resolv.conf",
                             "# Names of the lab are in /etc/hosts; it has no name server.\n"},
        top);
    add_subnets();
    for (const Node& node : topology_.nodes) {
      add_namespaces(node);
    }
    for (const Node& node : topology_.nodes) {
      add_network(node, networks_[node.name]);
    }
    for (const Link& link : topology_.links) {
      add_link(link);
    }
    for (const Node& node : topology_.nodes) {
      add_node(node);
    }
    return std::move(state_);
  }

 private:
  void add_subnets() {
    for (const Subnet& subnet : topology_.subnets) {
      const SourcePos origin = topology_.at(subnet.where);
      state_.add(resource::NetNs{.name = std::string(kSwitch)}, origin);
      state_.add(resource::Bridge{.name = subnet.name, .mtu = subnet.mtu}, origin);
    }
  }

  void add_namespaces(const Node& node) {
    const SourcePos origin = topology_.at(node.where);
    add_cgroup(node);
    if (node.owns(NsType::user)) {
      state_.add(resource::UserNs{.node = node.name}, origin);
    }
    if (node.owns(NsType::net)) {
      state_.add(resource::NetNs{.name = node.name, .userns = owner_of(node, NsType::user)},
                 origin);
    }
  }

  void add_cgroup(const Node& node) {
    const auto& limits = node.keys.limits;
    const LimitKeys& keys = limits.or_empty();
    state_.add(resource::Cgroup{.node = node.name,
                                .memory = keys.memory.value_or({}),
                                .swap = keys.swap.value,
                                .cpu_millis = keys.cpus.value_or({}),
                                .cpu_weight = keys.cpu_weight.value,
                                .cpuset = keys.cpuset.value_or(""),
                                .pids = keys.pids.value_or(kDefaultPids)},
               topology_.at(limits ? limits.key : node.where));
  }

  // Routes and IPv6 addresses do not outlast that their interface goes down.
  static resource::Says says_of(const Node& node, const Interface& interface) {
    resource::Says says = interface.says;
    says.up = interface.has_ipv6() || (says.ipv6 && interface.link_local) ||
              std::ranges::any_of(node.routes, [&](const Route& route) {
                return route.interface == interface.name;
              });
    says.ipv6_mtu = interface.has_ipv6() || (says.ipv6 && interface.link_local);
    return says;
  }

  static resource::VethEnd end_of(const Node& node, const Interface& interface) {
    return {.netns = node.name,
            .name = interface.name,
            .mac = interface.mac,
            .mtu = interface.mtu,
            .ipv6 = interface.link_local,
            .says = says_of(node, interface)};
  }

  // Adds what belongs to a node's network, and notes in `ids` what its commands
  // have to wait for.
  void add_and_wait(std::vector<Id>& ids, resource::Spec spec, Mark where) {
    Id id = resource::id_of(spec);
    if (state_.add(std::move(spec), topology_.at(where))) {
      ids.push_back(std::move(id));
    }
  }

  void add_network(const Node& node, std::vector<Id>& ids) {
    for (const Interface& interface : node.interfaces) {
      if (const auto* on = std::get_if<OnSubnet>(&interface.medium)) {
        add_cable(node, interface, *on);
      }
      for (const IpPrefix& address : interface.addresses) {
        add_and_wait(ids, resource::Address{node.name, interface.name, address}, interface.where);
      }
    }
    for (const Route& route : node.routes) {
      add_and_wait(ids,
                   resource::Route{.netns = node.name,
                                   .to = route.to,
                                   .metric = route.metric,
                                   .type = route.type,
                                   .via = route.via,
                                   .interface = route.interface},
                   route.where);
    }
  }

  // The cable from a node's interface to its port of the subnet's bridge.
  void add_cable(const Node& node, const Interface& interface, const OnSubnet& on) {
    const Subnet& subnet = topology_.subnets[on.subnet];
    state_.add(resource::Veth{.a = end_of(node, interface),
                              .b = {.netns = std::string(kSwitch),
                                    .name = port_names_.add(node.name, interface.name),
                                    .mac = on.port_mac,
                                    .mtu = interface.mtu,
                                    .bridge = subnet.name}},
               topology_.at(interface.where));
  }

  void add_link(const Link& link) {
    const auto end = [&](const Endpoint& each) {
      return end_of(topology_.nodes[each.node], topology_.interface(each));
    };
    state_.add(resource::Veth{.a = end(link.ends[0]), .b = end(link.ends[1])},
               topology_.at(link.where));
  }

  static std::string share(const Setting<OrNone<Scalar<Share>>>& key, std::string_view fallback) {
    return key.value_or(std::string(fallback)).value_or("");
  }

  void add_node(const Node& node) {
    // Its commands find the network as the file says it, also a shared one.
    std::vector<Id> ids = networks_[owner_of(node, NsType::net)];
    const NodeKeys& keys = node.keys;
    const ClockKeys& clock = keys.clock.or_empty();
    const std::string root = keys.root.value_or("overlay");
    const bool word = root == "overlay" || root == "host";
    resource::Node spec{.name = node.name,
                        .hostname = std::string(node.hostname()),
                        .says_hostname = keys.hostname.given(),
                        .namespaces = node.namespaces,
                        .root = word ? root : host_path(topology_, root),
                        .monotonic_offset = clock.monotonic.value_or({}),
                        .boottime_offset = clock.boottime.value_or({}),
                        .environment = variables({}, keys.environment.or_empty()),
                        .keep = keys.keep.value_or(true)};
    if (node.has_own_root()) {
      const LimitKeys& limits = keys.limits.or_empty();
      spec.tmp = share(limits.tmp, kDefaultTmp);
      spec.run = share(limits.run, kDefaultRun);
      spec.shm = share(limits.shm, kDefaultShm);
      spec.ptys = limits.ptys.value_or(kDefaultPtys);
    }
    add_and_wait(ids, std::move(spec), node.where);
    add_sysctls(node, ids);
    add_mounts(node, ids);
    for (const auto& directory : keys.directories.or_empty()) {
      add_and_wait(ids,
                   resource::Directory{.node = node.name,
                                       .path = directory.name,
                                       .mode = directory.value.mode.value_or(0755),
                                       .owner = directory.value.owner.value_or("")},
                   directory.where);
    }
    for (const auto& file : keys.files.or_empty()) {
      add_and_wait(ids,
                   resource::File{.node = node.name,
                                  .path = file.name,
                                  .content = file.value.content.value_or(""),
                                  .mode = file.value.mode.value_or(0644),
                                  .owner = file.value.owner.value_or("")},
                   file.where);
    }
    add_commands(node, std::move(ids));
  }

  // Whether it is of an interface that the file does not have and setup may make.
  static bool comes_with_setup(const Node& node, std::string_view key) {
    const auto parts = split(key, '.');
    if (node.keys.setup.or_empty().empty() || parts.size() < 5 || parts[0] != "net" ||
        (parts[2] != "conf" && parts[2] != "neigh")) {
      return false;
    }
    std::string interface(parts[3]);
    std::ranges::replace(interface, '/', '.');
    return interface != "all" && interface != "default" && interface != "lo" &&
           std::ranges::find(node.interfaces, interface, &Interface::name) == node.interfaces.end();
  }

  void add_sysctls(const Node& node, std::vector<Id>& ids) {
    for (const auto& sysctl : node.keys.sysctls.or_empty()) {
      if (!comes_with_setup(node, sysctl.name)) {
        add_and_wait(ids, resource::Sysctl{node.name, sysctl.name, sysctl.value}, sysctl.where);
      }
    }
    // After the user's own, which win.
    const Mark role = node.keys.role.key;
    if (node.is_router()) {
      add_and_wait(ids, resource::Sysctl{node.name, "net.ipv4.ip_forward", "1"}, role);
    }
    if (node.is_router() && std::ranges::any_of(node.interfaces, &Interface::has_ipv6)) {
      add_and_wait(ids, resource::Sysctl{node.name, "net.ipv6.conf.all.forwarding", "1"}, role);
    }
  }

  void add_mounts(const Node& node, std::vector<Id>& ids) {
    for (const auto& mount : node.keys.mounts.or_empty()) {
      const MountKeys& keys = mount.value;
      resource::Mount spec{.node = node.name, .target = mount.name, .size = keys.tmpfs.value};
      spec.mode = keys.mode.value_or(is_for_all(mount.name) ? 01777 : 0755);
      spec.owner = keys.owner.value_or("");
      if (keys.bind) {
        spec.type = resource::MountType::bind;
        spec.source = host_path(topology_, *keys.bind);
        spec.read_only = keys.read_only.value_or(false);
      }
      add_and_wait(ids, std::move(spec), mount.where);
    }
  }

  // Setup commands and services, and what they wait for: all of their own node,
  // then the nodes named in `after`, then one another.
  void add_commands(const Node& node, std::vector<Id> ids) {
    for (const auto& after : node.keys.after.or_empty()) {
      wait_for(topology_.nodes[places_.at(after.name)], after.value, ids);
    }
    std::uint32_t index = 0;
    std::vector<Id> setups;
    for (const auto& command : node.keys.setup.or_empty()) {
      resource::Setup setup{.node = node.name,
                            .index = index++,
                            .argv = command.value,
                            .environment = variables({}, node.keys.environment.or_empty())};
      setups.push_back(resource::id_of(setup));
      state_.add(std::move(setup), topology_.at(command.where), ids);
    }
    ids.insert(ids.end(), setups.begin(), setups.end());
    for (const auto& sysctl : node.keys.sysctls.or_empty()) {
      if (comes_with_setup(node, sysctl.name)) {
        resource::Sysctl late{node.name, sysctl.name, sysctl.value};
        ids.push_back(resource::id_of(late));
        state_.add(std::move(late), topology_.at(sysctl.where), setups);
      }
    }
    for (const auto& service : node.keys.services.or_empty()) {
      std::vector<Id> after = ids;
      for (const auto& other : service.value.after.or_empty()) {
        after.push_back(resource::service_id(node.name, other.value));
      }
      state_.add(service_of(node, service), topology_.at(service.where), std::move(after));
    }
  }

  static void wait_for(const Node& other, Milestone milestone, std::vector<Id>& ids) {
    ids.push_back(resource::node_id(other.name));
    std::uint32_t index = 0;
    for (std::size_t i = 0; i < other.keys.setup.or_empty().size(); ++i) {
      ids.push_back(resource::id_of(resource::Setup{.node = other.name, .index = index++}));
    }
    if (milestone == Milestone::ready) {
      for (const auto& service : other.keys.services.or_empty()) {
        ids.push_back(resource::service_id(other.name, service.name));
      }
    }
  }

  static resource::Service service_of(const Node& node, const Named<ServiceKeys>& named) {
    const ServiceKeys& keys = named.value;
    const StopKeys& stop = keys.stop.or_empty();
    resource::Service service{
        .node = node.name,
        .name = named.name,
        .argv = keys.command.or_empty(),
        .environment = variables(node.keys.environment.or_empty(), keys.environment.or_empty()),
        .directory = keys.directory.value_or(""),
        .user = keys.user.value_or(""),
        .once = keys.once.value_or(false),
        .ready = ready_of(keys.ready.or_empty()),
        .restart = keys.restart.value_or(resource::Restart::never),
        .graceful = keys.stop.given()};
    service.stop_timeout = stop.timeout.value_or(service.stop_timeout);
    if (stop.signal) {
      service.stop_signal = kStopSignals[static_cast<std::size_t>(*stop.signal)];
    }
    return service;
  }

  static resource::Ready ready_of(const ReadyKeys& keys) {
    resource::Ready ready;
    ready.interval = keys.interval.value_or(ready.interval);
    ready.timeout = keys.timeout.value_or(ready.timeout);
    if (keys.tcp) {
      ready.type = resource::ReadyType::tcp;
      ready.port = *keys.tcp;
    } else if (keys.exec) {
      ready.type = resource::ReadyType::exec;
      ready.argv = *keys.exec;
    } else if (keys.file) {
      ready.type = resource::ReadyType::file;
      ready.path = *keys.file;
    } else if (keys.http) {
      ready.type = resource::ReadyType::http;
      ready.port = *keys.http;
      ready.path = keys.path.value_or("/");
    }
    return ready;
  }

  const Topology& topology_;
  PortNames port_names_;
  DesiredState state_;
  std::unordered_map<std::string_view, std::size_t> places_;
  std::unordered_map<std::string, std::vector<Id>> networks_;  // addresses and routes, by node
};

}  // namespace

DesiredState lower(const Topology& topology) {
  return Lowering(topology).run();
}

}  // namespace nslab::topology
