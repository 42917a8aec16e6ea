#include "host/observe_node.h"

#include <fstream>

#include "host/control.h"
#include "host/observe.h"
#include "kernel/netns.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using resource::ObservedState;
using resource::Spec;

// What nslab gave the init to remember of an object. One that this version does
// not understand is not observed, and so is made again.
template <typename T>
std::optional<T> remembered(const Packet& packet) {
  auto spec = resource::from_json_text(packet.get("spec"));
  if (!spec || !std::holds_alternative<T>(*spec)) {
    return std::nullopt;
  }
  return std::get<T>(*std::move(spec));
}

void add_node(const Packet& packet, ObservedState& state) {
  if (auto node = remembered<resource::Node>(packet)) {
    if (node->ns(resource::NsType::uts).mode == resource::NsChoice::Mode::own) {
      node->hostname = packet.get("hostname");
    }
    state.add(*std::move(node));
  }
}

void add_file(const Packet& packet, ObservedState& state) {
  auto file = remembered<resource::File>(packet);
  if (!file || !packet.has("content")) {
    return;
  }
  file->content = packet.get("content");
  file->mode = static_cast<std::uint32_t>(packet.number("mode"));
  state.add(*std::move(file));
}

void add_mount(const Packet& packet, ObservedState& state) {
  auto mount = remembered<resource::Mount>(packet);
  if (!mount || packet.number("present") == 0) {
    return;
  }
  mount->read_only = packet.number("read_only") != 0;
  state.add(*std::move(mount));
}

void add_service(Context& context, const Packet& packet, ObservedState& state) {
  auto service = remembered<resource::Service>(packet);
  if (!service) {
    return;
  }
  service->failed = packet.get("state") == init::kFailed;
  if (service->graceful) {
    context.graceful_nodes.insert(service->node);
  }
  state.add(*std::move(service));
}

void add(Context& context, const Packet& packet, ObservedState& state) {
  if (packet.verb == "node") {
    add_node(packet, state);
  } else if (packet.verb == "file") {
    add_file(packet, state);
  } else if (packet.verb == "mount") {
    add_mount(packet, state);
  } else if (packet.verb == "service") {
    add_service(context, packet, state);
  } else if (packet.verb == "setup") {
    if (auto setup = remembered<resource::Setup>(packet)) {
      state.add(*std::move(setup));
    }
  }
}

}  // namespace

Result<void> observe_nodes(Context& context, ObservedState& state) {
  for (const std::string& node : node_names(context.layout)) {
    auto control = Control::connect(context.layout.control_socket(node));
    if (!control) {
      continue;  // nobody listens: the node is down
    }
    NSLAB_ASSIGN(packets, control->list("status"));
    for (const Packet& packet : packets) {
      add(context, packet, state);
    }
  }
  return {};
}

void read_id_map(const Layout& layout, resource::UserNs& spec) {
  std::ifstream map(layout.ids_file(spec.node));
  map >> spec.first_id >> spec.count;
}

}  // namespace nslab::host
