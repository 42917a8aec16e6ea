#include "host/inspect.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>

#include "host/control.h"
#include "host/observe.h"
#include "host/observe_network.h"
#include "kernel/address.h"
#include "kernel/mount.h"
#include "resource/share.h"

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

NodeStatus to_status(const NodeAnswer& answer) {
  NodeStatus node{.name = answer.node, .init_pid = answer.init_pid, .hangs = answer.hangs};
  for (const Packet& packet : answer.packets) {
    if (packet.verb == "node") {
      node.hostname = packet.get("hostname");
    } else if (packet.verb == "service") {
      node.services.push_back(to_status(packet));
    }
  }
  return node;
}

// The number that the innermost PID namespace has for a process of ours.
int inner_pid(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("NSpid:")) {
      int inner = 0;
      const std::size_t last = line.find_last_of('\t') + 1;
      (void)std::from_chars(line.data() + last, line.data() + line.size(), inner);
      return inner;
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

void add_usage(const Context& context, std::vector<NodeStatus>& nodes) {
  const auto usages = context.cgroups.usage_below(context.layout.lab());
  const auto limits = context.cgroups.limits_below(
      context.layout.lab(), [](const std::string& /*node*/) { return true; });
  for (NodeStatus& node : nodes) {
    if (const auto usage = usages.find(node.name); usage != usages.end()) {
      node.memory = usage->second.memory;
      node.cpu_time = usage->second.cpu_time;
      node.oom_kills = usage->second.oom_kills;
      node.processes = usage->second.processes;
      node.pids = usage->second.pids;
    }
    if (const auto limit = limits.find(node.name); limit != limits.end()) {
      node.memory_limit = limit->second.memory;
      node.pids_limit = limit->second.pids;
    }
    if (node.services.empty()) {
      continue;
    }
    if (const auto processes = context.cgroups.processes(context.layout.cgroup(node.name))) {
      number_as_host(node, *processes);
    }
  }
}

CableEnd to_end(const FoundLink& found) {
  if (!found) {
    return {};
  }
  const auto& [netns, link] = found;
  return {.node = netns->netns == resource::kSwitch ? "" : netns->netns,
          .interface = link->name,
          .carrier = link->carrier,
          .rx_bytes = link->received.bytes,
          .tx_bytes = link->sent.bytes};
}

void add_addresses(const NetnsContents& contents, NodeStatus& node) {
  for (const kernel::Link& link : contents.links) {
    for (const kernel::Address& address : contents.addresses) {
      if (address.index == link.index && address.scope == RT_SCOPE_UNIVERSE) {
        node.addresses.push_back(link.name + " " + to_string(address.address));
      }
    }
  }
}

CableStatus to_status(const FoundCable& found) {
  CableStatus cable{.a = to_end(found.a), .b = to_end(found.b)};
  if (found.b && found.b.netns->netns == resource::kSwitch) {
    const auto& links = found.b.netns->links;
    const auto bridge = std::ranges::find(links, found.b.link->master, &kernel::Link::index);
    cable.subnet = bridge != links.end() ? bridge->name : "";
  }
  return cable;
}

}  // namespace

Result<LabStatus> inspect(Context& context) {
  if (context.contents.empty()) {
    NSLAB_TRY(observe(context, nullptr));
  }
  LabStatus status;
  const kernel::TmpfsUse layers = kernel::tmpfs_use(context.layout.layers_dir());
  status.layers_used = layers.used;
  if (layers.bytes < resource::kUnlimited) {
    status.layers_limit = layers.bytes;
  }
  for (const NodeAnswer& answer : context.answers) {
    status.nodes.push_back(to_status(answer));
  }
  add_usage(context, status.nodes);
  for (const NetnsContents& contents : context.contents) {
    const auto node = std::ranges::lower_bound(status.nodes, contents.netns, {}, &NodeStatus::name);
    if (node != status.nodes.end() && node->name == contents.netns) {
      add_addresses(contents, *node);
    }
  }
  for (const auto& [name, cable] : cables_in(context.layout, context.contents)) {
    status.cables.push_back(to_status(cable));
  }
  return status;
}

}  // namespace nslab::host
