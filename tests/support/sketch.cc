#include "support/sketch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.h"
#include "resource/resource.h"

namespace nslab::test {
namespace {

using namespace resource;

MacAddress mac_of(const std::string& name) {
  const std::uint64_t hash = stable_hash(name);
  MacAddress mac{.bytes = {2}};
  for (std::size_t i = 1; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = static_cast<std::uint8_t>(hash >> (8 * i));
  }
  return mac;
}

VethEnd end_of(const std::string& netns, const std::string& name, std::uint32_t mtu) {
  const bool node = netns != kSwitch;
  return {.netns = netns,
          .name = name,
          .mac = mac_of(netns + "/" + name),
          .mtu = mtu,
          .says = {.mac = node, .mtu = node, .up = node, .ipv6 = node}};
}

IpAddress ten(std::uint8_t subnet, std::uint8_t node) {
  return IpAddress::v4(10U << 24U | std::uint32_t{subnet} << 16U | node);
}

// Declares the resources of one lab, one after the other.
class Lowering {
 public:
  explicit Lowering(const LabSketch& sketch) : sketch_(sketch) {}

  DesiredState run() {
    add(Lab{.name = "lab"});
    add_shared();
    for (const NodeSketch& node : sketch_.nodes) {
      add_namespaces(node);
    }
    for (const LinkSketch& link : sketch_.links) {
      add_link(link);
    }
    for (const NodeSketch& node : sketch_.nodes) {
      add_node(node);
    }
    return std::move(state_);
  }

 private:
  void add(Spec spec, std::vector<Id> after = {}) {
    const auto line = static_cast<std::uint32_t>(state_.resources.size()) + 1;
    state_.add(std::move(spec), {file_, line, 1}, std::move(after));
  }

  void add_shared() {
    std::string hosts = "127.0.0.1 localhost\n";
    for (const NodeSketch& node : sketch_.nodes) {
      hosts += std::to_string(node.number) + " " + node.name + "\n";
    }
    add(SharedFile{.path = "/etc/hosts", .content = hosts});
    if (sketch_.subnets.empty()) {
      return;
    }
    add(NetNs{.name = std::string(kSwitch)});
    for (const SubnetSketch& subnet : sketch_.subnets) {
      add(Bridge{.name = subnet.name, .mtu = subnet.mtu});
    }
  }

  void add_namespaces(const NodeSketch& node) {
    Cgroup cgroup{.node = node.name};
    if (node.memory != 0) {
      cgroup.memory = node.memory;
    }
    add(cgroup);
    if (node.own_user) {
      add(UserNs{.node = node.name});
    }
    if (!node.net_of.empty()) {
      return;
    }
    add(NetNs{.name = node.name, .userns = node.own_user ? node.name : ""});
    for (std::size_t i = 0; i < node.subnets.size(); ++i) {
      add_interface(node, "eth" + std::to_string(i), node.subnets[i]);
    }
    if (node.forwards) {
      add(Sysctl{.node = node.name, .key = "net.ipv4.ip_forward", .value = "1"});
    }
  }

  void add_interface(const NodeSketch& node, const std::string& name, const std::string& on) {
    const auto subnet = std::ranges::find(sketch_.subnets, on, &SubnetSketch::name);
    Veth veth{.a = end_of(node.name, name, subnet->mtu),
              .b = end_of(std::string(kSwitch), node.name + "." + name, subnet->mtu)};
    veth.b.bridge = on;
    add(veth);
    add(Address{node.name, name, {ten(subnet->number, node.number), 24}});
    if (subnet->gateway && name == "eth0") {
      const auto gateway = ten(subnet->number, 254);
      add(Route{
          .netns = node.name, .to = {IpAddress::v4(0), 0}, .via = gateway, .interface = name});
    }
  }

  void add_link(const LinkSketch& link) {
    const auto ends = std::array{split(link.a, ':'), split(link.b, ':')};
    Veth veth{.a = end_of(std::string(ends[0][0]), std::string(ends[0][1]), link.mtu),
              .b = end_of(std::string(ends[1][0]), std::string(ends[1][1]), link.mtu)};
    add(veth);
    std::uint32_t host = 1;
    for (const VethEnd* end : {&veth.a, &veth.b}) {
      const auto address =
          IpAddress::v4(172U << 24U | 16U << 16U | std::uint32_t{link.number} << 8U | host++);
      add(Address{end->netns, end->name, {address, 30}});
    }
  }

  void add_node(const NodeSketch& sketch) {
    Node node{.name = sketch.name,
              .hostname = sketch.hostname.empty() ? sketch.name : sketch.hostname,
              .says_hostname = !sketch.hostname.empty()};
    if (sketch.own_user) {
      node.ns(NsType::user) = {};
    }
    if (!sketch.net_of.empty()) {
      node.ns(NsType::net) = {.mode = NsChoice::Mode::node, .of = sketch.net_of};
    }
    add(node);
    std::vector<Id> ready{node_id(sketch.name)};
    if (sketch.tmpfs != 0) {
      add(Mount{.node = sketch.name, .target = "/data", .size = sketch.tmpfs});
      ready.push_back({Kind::mount, sketch.name + "/data"});
    }
    if (!sketch.motd.empty()) {
      add(File{.node = sketch.name, .path = "/etc/motd", .content = sketch.motd});
      ready.push_back({Kind::file, sketch.name + "/etc/motd"});
    }
    add_processes(sketch, std::move(ready));
  }

  void add_processes(const NodeSketch& node, std::vector<Id> ready) {
    for (const std::string& other : node.after) {
      const auto found = std::ranges::find(sketch_.nodes, other, &NodeSketch::name);
      for (const std::string& service : found->services) {
        ready.push_back(service_id(other, service));
      }
    }
    std::uint32_t index = 0;
    for (const std::string& command : node.setup) {
      const Setup setup{.node = node.name, .index = index++, .argv = {"/bin/sh", "-c", command}};
      add(setup, ready);
      ready.push_back(id_of(setup));
    }
    for (const std::string& name : node.services) {
      add(Service{.node = node.name, .name = name, .argv = {name}}, ready);
      ready.push_back(service_id(node.name, name));
    }
  }

  const LabSketch& sketch_;
  DesiredState state_{.lab = "lab"};
  std::shared_ptr<const std::string> file_ = std::make_shared<const std::string>("lab.yaml");
};

}  // namespace

DesiredState desired_state(const LabSketch& sketch) {
  return Lowering(sketch).run();
}

DesiredState nothing() {
  return {.lab = "lab"};
}

LabSketch webdb() {
  return {
      .subnets = {{.name = "front", .number = 1, .gateway = true}, {.name = "back", .number = 2}},
      .nodes = {{.name = "client", .number = 2, .subnets = {"front"}, .after = {"web"}},
                {.name = "web",
                 .number = 3,
                 .subnets = {"front", "back"},
                 .setup = {"true"},
                 .services = {"http"},
                 .after = {"db"},
                 .forwards = true,
                 .motd = "hello\n",
                 .memory = 128U << 20U},
                {.name = "db",
                 .number = 4,
                 .subnets = {"back"},
                 .services = {"store"},
                 .own_user = true,
                 .tmpfs = 1U << 20U}},
      .links = {{.a = "client:l1", .b = "db:l1", .number = 1}}};
}

}  // namespace nslab::test
