#include "host/observe_node.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>

#include "base/parallel.h"
#include "host/control.h"
#include "host/observe.h"
#include "kernel/netns.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using Clock = std::chrono::steady_clock;
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

std::optional<Spec> node_of(const Packet& packet) {
  auto node = remembered<resource::Node>(packet);
  if (node && node->ns(resource::NsType::uts).mode == resource::NsChoice::Mode::own) {
    node->hostname = packet.get("hostname");
  }
  return node;
}

std::optional<Spec> file_of(const Packet& packet) {
  auto file = remembered<resource::File>(packet);
  if (!file || !packet.has("content")) {
    return std::nullopt;
  }
  file->content = packet.get("content");
  file->mode = static_cast<std::uint32_t>(packet.number("mode"));
  return file;
}

std::optional<Spec> mount_of(const Packet& packet) {
  auto mount = remembered<resource::Mount>(packet);
  if (!mount || packet.number("present") == 0) {
    return std::nullopt;
  }
  mount->read_only = packet.number("read_only") != 0;
  return mount;
}

std::optional<Spec> service_of(const Packet& packet) {
  auto service = remembered<resource::Service>(packet);
  if (service) {
    // One that was told to end is as good as ended, whoever told it and did not wait.
    service->failed =
        packet.get("state") == init::kFailed || packet.get("state") == init::kStopping;
  }
  return service;
}

std::optional<Spec> setup_of(const Packet& packet) {
  return remembered<resource::Setup>(packet);
}

// What one packet of an init's `status` tells of.
std::optional<Spec> spec_of(const Packet& packet) {
  struct Reader {
    std::string_view verb;
    std::optional<Spec> (*read)(const Packet& packet);
  };

  constexpr std::array kReaders{Reader{"node", node_of},
                                Reader{"file", file_of},
                                Reader{"mount", mount_of},
                                Reader{"service", service_of},
                                Reader{"setup", setup_of}};
  const auto* reader = std::ranges::find(kReaders, packet.verb, &Reader::verb);
  return reader != kReaders.end() ? reader->read(packet) : std::nullopt;
}

// Whether the object is the node's own. A node's root may have taken over its init
// (see docs/security.md), which then says what it likes.
bool is_about(const Spec& spec, const std::string& node) {
  const resource::Id self = resource::node_id(node);
  return id_of(spec) == self || resource::node_of(spec) == self;
}

// The init hangs, or talks nonsense.
bool is_failure_of_init(const Error& error) {
  return error.os_error == ETIMEDOUT || error.os_error == EBADMSG;
}

// A node that was asked, and did not answer yet.
struct Asked {
  std::optional<Control> control;  // none: the node is down
  std::optional<Error> error;
  NodeAnswer answer;
  std::vector<Spec> specs;
};

Asked ask(const Layout& layout, const std::string& node) {
  Asked asked{.answer = {.node = node}};
  auto control = Control::connect(layout.control_socket(node));
  if (!control) {
    if (!is_gone(control.error())) {
      asked.error = control.error();
    }
    return asked;  // nobody listens
  }
  asked.answer.init_pid = control->init_pid();
  if (auto sent = control->ask_status(); !sent && !is_gone(sent.error())) {
    asked.error = sent.error();
  }
  asked.control = *std::move(control);
  return asked;
}

// All inits answer at once what they are asked here. One that is silent while no other
// says anything either hangs; on a machine with much to do the others are slow as well.
class Silence {
 public:
  void ends() { since_ = Clock::now(); }

  [[nodiscard]] Clock::time_point limit() const { return since_.load() + kLongest; }

  static constexpr std::chrono::seconds kLongest{10};

 private:
  std::atomic<Clock::time_point> since_ = Clock::now();
};

// What it says, or that it hangs.
Result<std::vector<Packet>> answer_of(Control& control, Silence& silence) {
  while (!control.wait(silence.limit())) {
    if (Clock::now() >= silence.limit()) {
      return kernel_error("waiting for a node's init", ETIMEDOUT);
    }
  }
  silence.ends();
  return control.hear_status(Silence::kLongest);
}

void hear(Asked& asked, Silence& silence) {
  if (!asked.control || asked.error) {
    return;
  }
  auto packets = answer_of(*asked.control, silence);
  asked.control.reset();
  if (!packets && is_gone(packets.error())) {
    asked.answer.init_pid = 0;  // it ended just now
    return;
  }
  if (!packets && is_failure_of_init(packets.error())) {
    // Something is there that is not as it should be: it can be taken down.
    asked.specs.emplace_back(resource::Node{.name = asked.answer.node});
    return;
  }
  if (!packets) {
    asked.error = packets.error();
    return;
  }
  asked.answer.packets = *std::move(packets);
  for (const Packet& packet : asked.answer.packets) {
    if (auto spec = spec_of(packet); spec && is_about(*spec, asked.answer.node)) {
      asked.specs.push_back(*std::move(spec));
    }
  }
}

void add(Context& context, Asked asked, ObservedState& state) {
  for (Spec& spec : asked.specs) {
    state.add(std::move(spec));
  }
  context.answers.push_back(std::move(asked.answer));
}

}  // namespace

Result<void> observe_nodes(Context& context, const Places* only, ObservedState& state) {
  NSLAB_ASSIGN(nodes, node_names(context.layout, only));
  // All are asked before the first is heard, so that the inits work side by side;
  // but a connection is a descriptor.
  const std::size_t at_once = context.at_once(256, 1);
  for (std::size_t first = 0; first < nodes.size(); first += at_once) {
    std::vector<Asked> some(std::min(at_once, nodes.size() - first));
    for (std::size_t i = 0; i < some.size(); ++i) {
      some[i] = ask(context.layout, nodes[first + i]);
    }
    Silence silence;
    in_parallel(some.size(), [&](std::size_t i) { hear(some[i], silence); });
    for (Asked& each : some) {
      if (each.error) {
        return *std::move(each.error);
      }
      add(context, std::move(each), state);
    }
  }
  return {};
}

void read_id_map(const Layout& layout, resource::UserNs& spec) {
  std::ifstream map(layout.ids_file(spec.node));
  map >> spec.first_id >> spec.count;
}

}  // namespace nslab::host
