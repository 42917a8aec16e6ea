#include "host/inspect.h"

#include <linux/rtnetlink.h>

#include <fstream>
#include <map>

#include "host/control.h"
#include "host/observe.h"
#include "kernel/address.h"

namespace nslab::host {
namespace {

ServiceStatus to_status(const Packet& packet) {
  ServiceStatus service{.name = std::string(packet.get("name")),
                        .state = std::string(packet.get("state")),
                        .pid = static_cast<int>(packet.number("pid")),
                        .restarts = static_cast<std::uint64_t>(packet.number("restarts"))};
  if (packet.has("code")) {
    service.exit_code = static_cast<int>(packet.number("code"));
  }
  if (packet.has("signal")) {
    service.exit_signal = static_cast<int>(packet.number("signal"));
  }
  return service;
}

void read_init(const Context& context, NodeStatus& node) {
  auto control = Control::connect(context.layout.control_socket(node.name));
  if (!control) {
    return;
  }
  node.init_pid = control->init_pid();
  const auto packets = control->list("status");
  if (!packets) {
    return;
  }
  for (const Packet& packet : *packets) {
    if (packet.verb == "node") {
      node.hostname = packet.get("hostname");
    } else if (packet.verb == "service") {
      node.services.push_back(to_status(packet));
    }
  }
}

// The number that the innermost PID namespace has for a process of ours.
int inner_pid(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("NSpid:")) {
      return std::stoi("0" + line.substr(line.find_last_of('\t') + 1));
    }
  }
  return 0;
}

// An init numbers its services as the node sees them; the host's numbers are
// what a person outside can use.
void number_as_host(NodeStatus& node, const std::vector<pid_t>& processes) {
  std::map<int, pid_t> outer;
  for (const pid_t pid : processes) {
    outer[inner_pid(pid)] = pid;
  }
  for (ServiceStatus& service : node.services) {
    const auto found = outer.find(service.pid);
    service.pid = service.pid != 0 && found != outer.end() ? found->second : 0;
  }
}

void read_usage(const Context& context, NodeStatus& node) {
  const std::string path = context.layout.cgroup(node.name);
  if (const auto usage = context.cgroups.usage(path)) {
    node.memory = usage->memory;
    node.cpu_time = usage->cpu_time;
    node.oom_kills = usage->oom_kills;
  }
  if (const auto limits = context.cgroups.limits(path)) {
    node.memory_limit = limits->memory;
  }
  if (const auto processes = context.cgroups.processes(path)) {
    node.processes = processes->size();
    if (!node.services.empty()) {
      number_as_host(node, *processes);
    }
  }
}

struct End {
  CableEnd end;
  std::string bridge;
  bool in_switch = false;
};

using Ends = std::map<std::string, std::pair<std::optional<End>, std::optional<End>>>;

void read_cables(const Context& context,
                 const std::string& netns,
                 const std::vector<kernel::Link>& links,
                 Ends& ends) {
  const std::string prefix = "nslab:" + context.layout.lab() + ":";
  std::map<kernel::LinkIndex, std::string> names;
  for (const kernel::Link& link : links) {
    names[link.index] = link.name;
  }
  for (const kernel::Link& link : links) {
    if (!link.alias.starts_with(prefix) || link.alias.size() < prefix.size() + 2) {
      continue;
    }
    const bool in_switch = netns == resource::kSwitch;
    const End end{.end = {.node = in_switch ? "" : netns,
                          .interface = link.name,
                          .carrier = link.carrier,
                          .rx_bytes = link.received.bytes,
                          .tx_bytes = link.sent.bytes},
                  .bridge = in_switch && link.master != 0 ? names[link.master] : "",
                  .in_switch = in_switch};
    auto& pair = ends[link.alias.substr(prefix.size(), link.alias.size() - prefix.size() - 2)];
    (link.alias.ends_with(":a") ? pair.first : pair.second) = end;
  }
}

Result<void> read_network(Context& context,
                          const std::string& netns,
                          LabStatus& status,
                          Ends& ends) {
  auto opened = open_netns(context, netns);
  if (!opened) {
    return {};
  }
  NSLAB_ASSIGN(links, kernel::list_links((*opened)->socket));
  read_cables(context, netns, links, ends);
  NSLAB_ASSIGN(addresses, kernel::list_addresses((*opened)->socket));
  for (NodeStatus& node : status.nodes) {
    if (node.name != netns) {
      continue;
    }
    for (const kernel::Link& link : links) {
      for (const kernel::Address& address : addresses) {
        if (address.index == link.index && address.scope == RT_SCOPE_UNIVERSE) {
          node.addresses.push_back(link.name + " " + to_string(address.address));
        }
      }
    }
  }
  return {};
}

}  // namespace

Result<LabStatus> inspect(Context& context) {
  LabStatus status;
  for (const std::string& name : node_names(context.layout)) {
    NodeStatus node{.name = name};
    read_init(context, node);
    read_usage(context, node);
    status.nodes.push_back(std::move(node));
  }
  Ends ends;
  for (const std::string& netns : netns_names(context.layout)) {
    NSLAB_TRY(read_network(context, netns, status, ends));
  }
  for (const auto& [name, pair] : ends) {
    CableStatus cable;
    if (pair.first) {
      cable.a = pair.first->end;
    }
    if (pair.second) {
      cable.b = pair.second->end;
      cable.subnet = pair.second->bridge;
    }
    status.cables.push_back(std::move(cable));
  }
  return status;
}

}  // namespace nslab::host
