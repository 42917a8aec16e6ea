#include "host/observe_node.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>

#include "base/parallel.h"
#include "host/control.h"
#include "host/file_systems.h"
#include "host/files.h"
#include "host/node_tmpfs.h"
#include "host/observe.h"
#include "kernel/netns.h"
#include "resource/json.h"
#include "resource/share.h"

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
  if (node && packet.has("sees")) {
    node->stale = packet.get("sees");  // told apart from what there is in add()
  }
  if (node && node->says_hostname &&
      node->ns(resource::NsType::uts).mode == resource::NsChoice::Mode::own) {
    node->hostname = packet.get("hostname");
  }
  if (node) {
    for (const TmpfsOf& each : kNodeTmpfs) {
      std::string& share = (*node).*each.share;
      const auto bytes =
          static_cast<std::uint64_t>(packet.number(std::string(each.key) + "_bytes"));
      // The node may have put something else there: its own affair.
      const auto asked = bytes_of(share);
      if (bytes != 0 && asked && bytes != *asked) {
        share = resource::share_of_bytes(bytes);
      }
    }
  }
  return node;
}

// An owner whom the lab file does not name.
constexpr const char* kAnother = "another";

std::optional<Spec> file_of(const Packet& packet) {
  auto file = remembered<resource::File>(packet);
  if (!file || !packet.has("content")) {
    return std::nullopt;
  }
  file->content = packet.get("content");
  file->mode = static_cast<std::uint32_t>(packet.number("mode"));
  file->owner = packet.get("owned") != "0" ? file->owner : kAnother;
  return file;
}

std::optional<Spec> directory_of(const Packet& packet) {
  auto directory = remembered<resource::Directory>(packet);
  if (!directory || !packet.has("mode")) {
    return std::nullopt;
  }
  directory->mode = static_cast<std::uint32_t>(packet.number("mode"));
  directory->owner = packet.get("owned") != "0" ? directory->owner : kAnother;
  return directory;
}

// Whether what the node sees is what the host has at the path: an editor, or git, puts another
// file in its place.
bool is_at(const std::string& path, const Packet& seen) {
  struct statfs system {};

  struct stat info {};

  // "/proc/self" is another file for each process.
  if (::statfs(path.c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC) {
    return true;
  }
  return ::stat(path.c_str(), &info) == 0 &&
         static_cast<std::int64_t>(info.st_dev) == seen.number("device") &&
         static_cast<std::int64_t>(info.st_ino) == seen.number("inode");
}

std::optional<Spec> mount_of(const Packet& packet) {
  auto mount = remembered<resource::Mount>(packet);
  if (!mount || packet.number("present") == 0) {
    return std::nullopt;
  }
  if (!packet.has("device")) {
    return mount;  // the node's root may not look into it
  }
  mount->read_only = packet.number("read_only") != 0;
  if (mount->type == resource::MountType::bind) {
    mount->current = is_at(mount->source, packet);
    return mount;
  }
  const auto bytes = static_cast<std::uint64_t>(packet.number("bytes"));
  if (mount->size && bytes != resource::bytes_of_share(std::to_string(*mount->size), 0)) {
    mount->size = bytes;
  }
  mount->mode = static_cast<std::uint32_t>(packet.number("mode"));
  mount->owner = packet.get("owned") != "0" ? mount->owner : kAnother;
  return mount;
}

std::optional<Spec> service_of(const Packet& packet) {
  auto service = remembered<resource::Service>(packet);
  if (service) {
    // One that was told to end is as good as ended, whoever told it and did not wait.
    const std::string_view state = packet.get("state");
    service->ended = state == init::kFailed || state == init::kExited || state == init::kStopping;
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
                                Reader{"directory", directory_of},
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

// Something is there that is not as it should be: it can be made anew, or taken down.
void say_no_answer(Asked& asked) {
  asked.answer.hangs = true;
  asked.specs.emplace_back(resource::Node{.name = asked.answer.node, .fault = "no answer"});
}

bool speaks_our_protocol(const std::vector<Packet>& packets) {
  return std::ranges::any_of(packets, [](const Packet& packet) {
    return packet.verb == "node" && packet.number("protocol") == init::kProtocolVersion;
  });
}

Asked ask(const Layout& layout, const std::string& node) {
  Asked asked{.answer = {.node = node}};
  auto control = Control::connect(layout.control_socket(node));
  if (!control && is_failure_of_init(control.error())) {
    say_no_answer(asked);
  } else if (!control && !is_gone(control.error())) {
    asked.error = control.error();
  }
  if (!control) {
    return asked;  // nobody listens, or nobody hears
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

  static constexpr std::chrono::milliseconds kLongest = Control::kToAnswer;

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
    say_no_answer(asked);
    return;
  }
  if (!packets) {
    asked.error = packets.error();
    return;
  }
  asked.answer.packets = *std::move(packets);
  bool understood = false;
  if (speaks_our_protocol(asked.answer.packets)) {
    for (const Packet& packet : asked.answer.packets) {
      if (auto spec = spec_of(packet); spec && is_about(*spec, asked.answer.node)) {
        understood = understood || std::holds_alternative<resource::Node>(*spec);
        asked.specs.push_back(*std::move(spec));
      }
    }
  }
  if (!understood) {
    asked.specs.assign(1,
                       resource::Node{.name = asked.answer.node,
                                      .fault = "it was made by another version of nslab"});
  }
}

// The children of a process, as far as the kernel tells (CONFIG_PROC_CHILDREN).
void add_children(pid_t pid, std::vector<pid_t>& into) {
  const std::string number = std::to_string(pid);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  for (pid_t child = 0; file >> child;) {
    into.push_back(child);
  }
}

// Those that the cgroup has to hold: the init, and its services.
std::vector<pid_t> processes_of(const NodeAnswer& answer) {
  std::vector<pid_t> pids{answer.init_pid};
  const bool has_services = std::ranges::any_of(answer.packets, [](const Packet& packet) {
    return packet.verb == "service" && packet.number("pid") > 0;
  });
  if (has_services) {
    add_children(answer.init_pid, pids);
  }
  return pids;
}

// Whether the node is in its cgroup. A child that has ended meanwhile is in none, and no
// longer a child either.
bool is_in_cgroup(const kernel::CgroupTree& cgroups,
                  const std::string& path,
                  const NodeAnswer& answer) {
  constexpr int kLooks = 3;
  for (int look = 0; look < kLooks; ++look) {
    if (cgroups.holds(path, processes_of(answer))) {
      return true;
    }
  }
  return false;
}

// A node that runs outside of its cgroup is under no limit of it.
void compare_with_cgroup(const Context& context,
                         const kernel::CgroupTree& cgroups,
                         Asked& asked,
                         ObservedState& state) {
  const NodeAnswer& answer = asked.answer;
  if (answer.init_pid == 0 || answer.hangs) {
    return;
  }
  const std::string path = context.layout.cgroup(answer.node);
  if (is_in_cgroup(cgroups, path, answer)) {
    return;
  }
  const auto cgroup = state.resources.find({resource::Kind::cgroup, answer.node});
  if (cgroup != state.resources.end()) {
    std::get<resource::Cgroup>(cgroup->second.spec).in_force = false;
    return;
  }
  for (Spec& spec : asked.specs) {
    if (auto* node = std::get_if<resource::Node>(&spec)) {
      node->fault = "its cgroup is gone";
    }
  }
}

// Somebody has removed what the node writes to: it can write no more.
bool has_lost_its_layer(const Layout& layout, const resource::Node& node) {
  const bool has_one = node.fault.empty() &&
                       node.ns(resource::NsType::mnt).mode == resource::NsChoice::Mode::own &&
                       node.root != "host";
  return has_one && ::access((layout.layer_dir(node.name) + "/upper").c_str(), F_OK) != 0 &&
         errno == ENOENT;
}

void add(Context& context, FileSystems& now, Asked asked, ObservedState& state) {
  for (Spec& spec : asked.specs) {
    auto* node = std::get_if<resource::Node>(&spec);
    if (node != nullptr && !node->stale.empty()) {
      node->stale = changes_of(node->stale, now.below(root_of(*node)));
    }
    if (node != nullptr && has_lost_its_layer(context.layout, *node)) {
      node->fault = "its layer is gone";
    }
    state.add(std::move(spec));
  }
  context.answers.push_back(std::move(asked.answer));
}

}  // namespace

Result<void> observe_nodes(Context& context, const Places* only, ObservedState& state) {
  NSLAB_ASSIGN(nodes, node_names(context.layout, only));
  NSLAB_ASSIGN(now, FileSystems::read());
  // All are asked before the first is heard, so that the inits work side by side;
  // but a connection is a descriptor.
  const std::size_t at_once = context.at_once(256, 1);
  const auto cgroups = context.cgroups.narrowed(context.layout.lab());
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
      compare_with_cgroup(context, cgroups, each, state);
      add(context, now, std::move(each), state);
    }
  }
  return {};
}

}  // namespace nslab::host
