#include "report/status.h"

#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/text.h"
#include "report/plan.h"
#include "report/table.h"

namespace nslab::report {
namespace {

using host::CableEnd;
using host::CableStatus;
using host::NodeStatus;
using host::ServiceStatus;
using Json = nlohmann::ordered_json;

std::string seconds(std::chrono::microseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2fs", std::chrono::duration<double>(time).count());
  return text.data();
}

const char* state_of(const NodeStatus& node) {
  return node.hangs ? "no answer" : node.init_pid != 0 ? "up" : "down";
}

std::string memory(const NodeStatus& node) {
  if (!node.memory) {
    return "-";
  }
  std::string text = format_bytes(*node.memory);
  if (node.memory_limit) {
    text += "/" + format_bytes(*node.memory_limit);
  }
  if (node.oom_kills > 0) {
    text += " (" + plural(node.oom_kills, "kill") + " by the memory limit)";
  }
  return text;
}

// Threads count against the limit as well.
std::string processes(const NodeStatus& node) {
  return node.pids && node.pids_limit
             ? std::to_string(*node.pids) + "/" + std::to_string(*node.pids_limit)
             : std::to_string(node.processes);
}

std::string services(const NodeStatus& node) {
  std::string text;
  for (const ServiceStatus& service : node.services) {
    text += (text.empty() ? "" : ", ") + service.name + " " + service.state;
    if (service.exit_code) {
      text += " (status " + std::to_string(*service.exit_code) + ")";
    } else if (service.exit_signal) {
      text += " (signal " + std::to_string(*service.exit_signal) + ")";
    }
    if (service.restarts > 0) {
      text += ", " + plural(service.restarts, "restart");
    }
  }
  return text.empty() ? "-" : text;
}

std::string end_text(const CableEnd& end) {
  return (end.node.empty() ? "" : end.node + ":") + end.interface;
}

std::string cable_state(const CableStatus& cable) {
  if (cable.a.carrier && cable.b.carrier) {
    return "up";
  }
  return "down";
}

void limit_rows(std::string& text, std::size_t all, std::size_t most) {
  if (all > most) {
    text += "… and " + std::to_string(all - most) + " more (--full shows them)\n";
  }
}

std::string node_table(const host::LabStatus& live, const Style& style, std::size_t most) {
  Table table({"NODE", "STATE", "ADDRESSES", "PROCESSES", "MEMORY", "CPU", "SERVICES"});
  for (std::size_t i = 0; i < std::min(most, live.nodes.size()); ++i) {
    const NodeStatus& node = live.nodes[i];
    table.add({node.name,
               state_of(node),
               node.addresses.empty() ? "-" : join(node.addresses, ", "),
               processes(node),
               memory(node),
               node.cpu_time ? seconds(*node.cpu_time) : "-",
               services(node)});
  }
  std::string text = table.render(style);
  limit_rows(text, live.nodes.size(), most);
  return text;
}

std::string cable_table(const host::LabStatus& live, const Style& style, std::size_t most) {
  Table table({"CABLE", "TO", "STATE", "SENT", "RECEIVED"});
  for (std::size_t i = 0; i < std::min(most, live.cables.size()); ++i) {
    const CableStatus& cable = live.cables[i];
    table.add({end_text(cable.a),
               cable.subnet.empty() ? end_text(cable.b) : cable.subnet,
               cable_state(cable),
               format_bytes(cable.a.tx_bytes),
               format_bytes(cable.a.rx_bytes)});
  }
  if (table.empty()) {
    return "";
  }
  std::string text = "\n" + table.render(style);
  limit_rows(text, live.cables.size(), most);
  return text;
}

Json optional_json(const auto& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json service_json(const ServiceStatus& service) {
  return {{"name", service.name},
          {"state", service.state},
          {"pid", service.pid},
          {"restarts", service.restarts},
          {"exit-code", optional_json(service.exit_code)},
          {"exit-signal", optional_json(service.exit_signal)}};
}

Json node_json(const NodeStatus& node) {
  Json services = Json::array();
  for (const ServiceStatus& service : node.services) {
    services.push_back(service_json(service));
  }
  return {{"name", node.name},
          {"hostname", node.hostname},
          {"state", state_of(node)},
          {"pid", node.init_pid != 0 ? Json(node.init_pid) : Json(nullptr)},
          {"addresses", node.addresses},
          {"processes", node.processes},
          {"pids", optional_json(node.pids)},
          {"pids-limit", optional_json(node.pids_limit)},
          {"memory", optional_json(node.memory)},
          {"memory-limit", optional_json(node.memory_limit)},
          {"cpu-microseconds", node.cpu_time ? Json(node.cpu_time->count()) : Json(nullptr)},
          {"memory-limit-kills", node.oom_kills},
          {"services", std::move(services)}};
}

Json end_json(const CableEnd& end) {
  return {{"node", end.node},
          {"interface", end.interface},
          {"carrier", end.carrier},
          {"received-bytes", end.rx_bytes},
          {"sent-bytes", end.tx_bytes}};
}

}  // namespace

std::string status_text(const StatusView& view, const Style& style, std::size_t most) {
  std::string text = style.paint(Colour::bold, view.lab);
  if (!view.file.empty()) {
    text += "  " + style.paint(Colour::faint, printable(view.file));
  }
  if (view.live->layers_limit) {
    text += style.paint(Colour::faint,
                        "  " + format_bytes(view.live->layers_used) + " of " +
                            format_bytes(*view.live->layers_limit) + " written");
  }
  text += "\n" + node_table(*view.live, style, most) + cable_table(*view.live, style, most);
  if (view.drift != nullptr && !view.drift->empty()) {
    text += "\n" + style.paint(Colour::yellow, "drift") + ": 'nslab up' would\n" +
            plan_text(*view.drift, style, most);
  }
  return text;
}

Json status_json(const StatusView& view) {
  Json nodes = Json::array();
  for (const NodeStatus& node : view.live->nodes) {
    nodes.push_back(node_json(node));
  }
  Json cables = Json::array();
  for (const CableStatus& cable : view.live->cables) {
    cables.push_back({{"a", end_json(cable.a)},
                      {"b", end_json(cable.b)},
                      {"subnet", cable.subnet.empty() ? Json(nullptr) : Json(cable.subnet)}});
  }
  return {{"lab", view.lab},
          {"file", view.file},
          {"layers-used", view.live->layers_used},
          {"layers-limit", optional_json(view.live->layers_limit)},
          {"nodes", std::move(nodes)},
          {"cables", std::move(cables)},
          {"drift", view.drift != nullptr ? plan_json(*view.drift) : Json(nullptr)}};
}

}  // namespace nslab::report
