// Nodes: an init each, in its namespaces, its cgroup and its root.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "base/directory.h"
#include "base/text.h"
#include "host/control.h"
#include "host/file_systems.h"
#include "host/files.h"
#include "host/graceful.h"
#include "host/id_maps.h"
#include "host/inits.h"
#include "host/layers.h"
#include "host/node_tmpfs.h"
#include "host/objects.h"
#include "host/observe.h"
#include "host/observe_node.h"
#include "host/run_dirs.h"
#include "host/spawner.h"
#include "host/user_ids.h"
#include "kernel/mount.h"
#include "kernel/netns.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using kernel::Namespace;
using resource::Node;
using resource::NsChoice;
using resource::NsType;

// In the order of NsType.
constexpr std::array kNamespaces{Namespace::cgroup,
                                 Namespace::ipc,
                                 Namespace::net,
                                 Namespace::mnt,
                                 Namespace::pid,
                                 Namespace::time,
                                 Namespace::user,
                                 Namespace::uts};

void give(NodeRequest& request, std::string_view name, UniqueFd fd) {
  request.packet.add("fd", std::string(name));
  request.fds.push_back(std::move(fd));
}

// Another node's namespace of the type, through its init.
Result<UniqueFd> shared_namespace(const Context& context, const std::string& node, Namespace type) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(node)));
  return kernel::open_namespace(control.init_pid(), type);
}

// Namespaces with names are joined; the others are made by the spawner's clone.
Result<void> add_namespaces(Context& context, const Node& node, NodeRequest& request) {
  int fresh = 0;
  for (std::size_t i = 0; i < kNamespaces.size(); ++i) {
    const auto type = static_cast<NsType>(i);
    const NsChoice& choice = node.ns(type);
    if (choice.mode == NsChoice::Mode::host) {
      continue;
    }
    const bool own = choice.mode == NsChoice::Mode::own;
    const std::string& owner = own ? node.name : choice.of;
    if (type == NsType::net) {
      NSLAB_ASSIGN(netns, open_netns(context, owner));
      give(request, "net", UniqueFd(::fcntl(netns->ns.get(), F_DUPFD_CLOEXEC, 0)));
    } else if (type == NsType::user) {
      NSLAB_ASSIGN(ns, kernel::open_namespace_file(context.layout.userns(owner), Namespace::user));
      give(request, "user", std::move(ns));
    } else if (own) {
      fresh |= static_cast<int>(kNamespaces[i]);
    } else {
      NSLAB_ASSIGN(ns, shared_namespace(context, owner, kNamespaces[i]));
      give(request, resource::kNsTypeNames[i], std::move(ns));
    }
  }
  request.packet.add("clone", std::to_string(fresh));
  return {};
}

// NR_UNIX98_PTY_MAX of the kernel: no limit.
constexpr std::uint64_t kMostPtys = std::uint64_t{1} << 20U;

bool is_file(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

// What is found once for many nodes.
class Surroundings {
 public:
  static Result<Surroundings> read(const Context& context) {
    NSLAB_ASSIGN(file_systems, FileSystems::read());
    NSLAB_ASSIGN(own, names_in(context.layout.own_dir()));
    Surroundings found(std::move(file_systems), context.cgroups.narrowed(context.layout.lab()));
    found.own_.insert(own.begin(), own.end());
    found.machine_id_ = read_file("/etc/machine-id").value_or("");
    return found;
  }

  const std::vector<std::string>& file_systems_below(const std::string& root) {
    return file_systems_.below(root);
  }

  // What is to be below its /run.
  const std::vector<std::string>& run_entries_of(const std::string& root) {
    const auto known = run_entries_.find(root);
    return known != run_entries_.end()
               ? known->second
               : run_entries_.emplace(root, run_entries(root)).first->second;
  }

  // Whether there are files that this node alone is to see.
  [[nodiscard]] bool has_own(const std::string& node) const { return own_.contains(node); }

  // A node's own, the same each time that it starts: others on the host tell each other
  // apart by theirs, DHCP clients above all.
  [[nodiscard]] std::string machine_id(const Layout& layout, const std::string& node) const {
    const std::string name = machine_id_ + "/" + layout.lab() + "/" + node;
    std::array<char, 40> text{};
    (void)std::snprintf(text.data(),
                        text.size(),
                        "%016" PRIx64 "%016" PRIx64,
                        stable_hash(name),
                        stable_hash("machine-id/" + name));
    return text.data();
  }

  // Whether a node with a user namespace can have its files.
  bool takes_id_map(const std::string& path) { return maps_.takes(path); }

  // Those that the lab has cgroups in.
  [[nodiscard]] const kernel::CgroupTree& cgroups() const { return cgroups_; }

 private:
  Surroundings(FileSystems file_systems, kernel::CgroupTree cgroups)
      : file_systems_(std::move(file_systems)), cgroups_(std::move(cgroups)) {}

  FileSystems file_systems_;
  std::map<std::string, std::vector<std::string>> run_entries_;
  std::set<std::string, std::less<>> own_;
  std::string machine_id_;
  kernel::CgroupTree cgroups_;
  IdMaps maps_;
};

// The node's root, and a layer over each further file system that is mounted in it.
Result<void> add_root(const Context& context,
                      Surroundings& surroundings,
                      const Node& node,
                      NodeRequest& request) {
  if (node.ns(NsType::mnt).mode != NsChoice::Mode::own) {
    return {};
  }
  if (node.root == "host") {
    request.packet.add("root", "host");
    return {};
  }
  const std::string root = root_of(node);
  const std::string directory = context.layout.layer_dir(node.name);
  NSLAB_TRY(make_directory(directory));
  NSLAB_ASSIGN(top, make_layer(directory, root));
  for (const TmpfsOf& each : kNodeTmpfs) {
    NSLAB_ASSIGN(bytes, bytes_of(node.*each.share));
    request.packet.add(std::string(each.key) + "_limits", kernel::tmpfs_options(bytes));
  }
  request.packet.add("ptys", std::to_string(node.ptys.value_or(kMostPtys)));
  request.packet.add("root", "overlay");
  if (surroundings.has_own(node.name)) {
    request.packet.add("base", context.layout.own_dir(node.name));
  }
  request.packet.add("machine_id", surroundings.machine_id(context.layout, node.name))
      .add_all("run", surroundings.run_entries_of(root))
      .add("sees", listed(surroundings.file_systems_below(root)))
      .add("base", context.layout.base_dir())
      .add("lower", top.lower)
      .add("upper", top.upper)
      .add("work", top.work);
  Uppers uppers{{"", top.upper}};
  const bool mapped = node.ns(NsType::user).mode != NsChoice::Mode::host;
  for (const std::string& target : surroundings.file_systems_below(root)) {
    if (mapped && !surroundings.takes_id_map(target)) {
      continue;  // tight() has said so
    }
    const std::string inside = root == "/" ? target : target.substr(root.size());
    if (is_file(target)) {
      request.packet.add("file", inside + "\t" + target);
      continue;
    }
    const std::string place = layer_dir(directory, inside);
    NSLAB_TRY(make_directory(place));
    NSLAB_ASSIGN(layer, make_layer(place, target));
    request.packet.add("layer",
                       inside + "\t" + layer.lower + "\t" + layer.upper + "\t" + layer.work);
    uppers.emplace(inside, layer.upper);
  }
  return forget_laid(context.layout.laid_file(node.name), uppers);
}

Result<void> add_cgroup(const kernel::CgroupTree& cgroups,
                        const std::string& path,
                        const std::vector<std::string>& shown,
                        NodeRequest& request) {
  request.packet.add_all("attach", cgroups.v1_tasks_files(path));
  request.packet.add_all("cgroup1", shown);
  NSLAB_ASSIGN(directory, cgroups.directory(path));
  if (directory.valid()) {
    give(request, "cgroup2", std::move(directory));
  }
  return {};
}

// Ends what is in the node's cgroup, and makes the cgroup anew. A cgroup in which
// cgroup.kill was used kills, in some kernels, whatever is later cloned into it:
// cgroup_css_set_fork() compares the kill counts of two different cgroups.
Result<void> empty_cgroup(Context& context, const std::string& node) {
  const std::string path = context.layout.cgroup(node);
  if (!context.cgroups.exists(path)) {
    return {};
  }
  NSLAB_ASSIGN(limits, context.cgroups.limits(path));
  NSLAB_TRY(context.cgroups.kill(path, context.deadline()));
  NSLAB_TRY(context.cgroups.remove(path, context.deadline()));
  NSLAB_TRY(context.cgroups.create(path));
  return limits == kernel::Limits{} ? Result<void>() : context.cgroups.apply(path, limits);
}

// Whether processes are left in the node's cgroup, which shared another node's PID
// namespace. None are in one that this command has made.
Result<bool> has_processes(const Context& context,
                           const kernel::CgroupTree& cgroups,
                           const std::string& node) {
  if (context.new_cgroups.contains(node)) {
    return false;
  }
  NSLAB_ASSIGN(left, cgroups.processes(context.layout.cgroup(node)));
  return !left.empty();
}

// What a node's layers are good for: over this root, and with this owner.
std::string ground_of(const Context& context, const Node& node) {
  const NsChoice& user = node.ns(NsType::user);
  const std::string& owner = user.mode == NsChoice::Mode::own ? node.name : user.of;
  return node.root + "\n" +
         (user.mode == NsChoice::Mode::host
              ? "host"
              : std::to_string(user_ids_of(context.layout, owner).first)) +
         "\n";
}

// Clears away what an earlier init of that name left behind, but for its files where it is
// to keep them and can.
Result<void> clear_node_dir(Context& context, const Node& node, const std::string& ground) {
  const std::string directory = context.layout.node_dir(node.name);
  const auto before = read_file(context.layout.ground_file(node.name));
  if (node.keep && before == ground) {
    context.kept.insert(node.name);
    const std::string socket = context.layout.control_socket(node.name);
    return ::unlink(socket.c_str()) != 0 && errno != ENOENT
               ? kernel_error("removing " + quote(socket), errno)
               : Result<void>();
  }
  NSLAB_TRY(kernel::remove_tree(context.layout.layer_dir(node.name)));
  NSLAB_TRY(kernel::remove_tree(directory));
  return make_directory(directory);
}

// Makes the node's directory, and ends what an earlier init of that name left running.
Result<void> make_node_dir(Context& context, const kernel::CgroupTree& cgroups, const Node& spec) {
  const std::string& node = spec.name;
  const std::string directory = context.layout.node_dir(node);
  const bool made = ::mkdir(directory.c_str(), 0755) == 0;
  if (!made && errno != EEXIST) {
    return kernel_error("creating " + quote(directory), errno);
  }
  NSLAB_ASSIGN(inhabited, has_processes(context, cgroups, node));
  if (inhabited || !made) {
    // Where an init was, it may have been killed together with its cgroup.
    NSLAB_TRY(empty_cgroup(context, node));
  }
  if (!made) {
    NSLAB_TRY(end_init(context.layout, node, context.deadline()));
  }
  if (spec.ns(NsType::mnt).mode != NsChoice::Mode::own || spec.root == "host") {
    return made ? Result<void>() : clear_node_dir(context, spec, "");
  }
  const std::string ground = ground_of(context, spec);
  if (!made) {
    NSLAB_TRY(clear_node_dir(context, spec, ground));
  }
  return context.kept.contains(node) ? Result<void>()
                                     : write_file(context.layout.ground_file(node), ground, 0600);
}

Result<NodeRequest> request_for(Context& context, Surroundings& surroundings, const Node& node) {
  const Layout& layout = context.layout;
  NSLAB_TRY(make_node_dir(context, surroundings.cgroups(), node));
  NodeRequest request;
  request.packet.verb = "node";
  request.packet.add("id", node.name)
      .add("name", layout.public_name(node.name))
      .add("hostname", node.hostname)
      .add("monotonic", std::to_string(node.monotonic_offset.count()))
      .add("boottime", std::to_string(node.boottime_offset.count()))
      .add_all("env", node.environment)
      .add("spec", resource::to_json_text(node));
  NSLAB_TRY(add_namespaces(context, node, request));
  NSLAB_TRY(add_root(context, surroundings, node, request));
  const std::string cgroup = layout.cgroup(node.name);
  const auto shown = surroundings.cgroups().is_sized_on_v1(cgroup)
                         ? context.cgroups.v1_for_programs()
                         : std::vector<std::string>{};
  NSLAB_TRY(add_cgroup(surroundings.cgroups(), cgroup, shown, request));
  NSLAB_ASSIGN(listener, bind_control_socket(layout.control_socket(node.name)));
  give(request, "listen", std::move(listener));
  return request;
}

// What the sysctls of an IPC namespace were before is of no use without it.
Result<void> forget_ipc_sysctls(const Layout& layout, const std::string& node) {
  NSLAB_ASSIGN(names, names_in(layout.ipc_sysctl_dir()));
  for (const std::string& name : names) {
    if (to_saved_sysctl(name).node == node) {
      (void)::unlink((layout.ipc_sysctl_dir() + "/" + name).c_str());
    }
  }
  return {};
}

// Those services of the nodes that want their signal. Their marks go with them.
Result<void> end_services_of(const Context& context, Batch<Node> nodes) {
  NSLAB_ASSIGN(graceful, graceful_services(context.layout));
  std::erase_if(graceful, [&](const Stopping& each) {
    return std::ranges::find(nodes, each.node, &Node::name) == nodes.end();
  });
  NSLAB_TRY(end_services(context, graceful));
  for (const Stopping& each : graceful) {
    unmark_graceful(context.layout, each.node, each.name);
  }
  return {};
}

// A network namespace whose name somebody took away is found through its node's init
// alone: whoever goes on with it finds it open.
void keep_hold_of_netns(Context& context, const Node& node) {
  if (node.ns(NsType::net).mode == NsChoice::Mode::own &&
      !kernel::is_namespace_mount(context.layout.netns(node.name))) {
    (void)open_netns(context, node.name);
  }
}

Result<void> remove_node(Context& context, const Node& node) {
  const Layout& layout = context.layout;
  NSLAB_TRY(empty_cgroup(context, node.name));
  NSLAB_TRY(end_init(layout, node.name, context.deadline()));
  NSLAB_TRY(forget_ipc_sysctls(layout, node.name));
  // Its files may be wanted again. They go with its cgroup, which only a node that is to be
  // no more loses.
  const std::string socket = layout.control_socket(node.name);
  (void)::unlink(socket.c_str());
  if (context.cgroups.exists(layout.cgroup(node.name))) {
    return {};
  }
  NSLAB_TRY(kernel::remove_tree(layout.layer_dir(node.name)));
  return kernel::remove_tree(layout.node_dir(node.name));
}

// In place. It has to be the file system that the node began with: another one could be the
// host's.
Result<void> resize(const Packet& about, pid_t init, const TmpfsOf& which, std::uint64_t bytes) {
  const std::string path = "/proc/" + std::to_string(init) + "/root" + which.path;
  const UniqueFd place(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));

  struct stat info {};

  const auto device = about.number(std::string(which.key) + "_device");
  if (!place.valid() || ::fstat(place.get(), &info) != 0 ||
      static_cast<std::int64_t>(info.st_dev) != device) {
    return Error{.kind = ErrorKind::conflict,
                 .message = "the node has mounted something else on " + std::string(which.path),
                 .hint = "unmount it in the node"};
  }
  auto resized = kernel::resize_tmpfs(place.get(), bytes);
  if (!resized && resized.error().os_error == EINVAL) {
    Error error = std::move(resized).error();
    error.hint = "it holds more than that: remove files in the node first";
    return std::move(error).while_doing("limiting " + std::string(which.path));
  }
  return resized;
}

Result<void> change_limits(Control& control, const Node& before, const Node& after) {
  NSLAB_ASSIGN(about, control.request("about", Packet()));
  for (const TmpfsOf& each : kNodeTmpfs) {
    if (before.*each.share != after.*each.share) {
      NSLAB_ASSIGN(bytes, bytes_of(after.*each.share));
      NSLAB_TRY(resize(about, control.init_pid(), each, bytes));
    }
  }
  if (before.ptys != after.ptys) {
    const std::string most = std::to_string(after.ptys.value_or(kMostPtys));
    NSLAB_TRY(control.request("ptys", Packet().add("max", most)));
  }
  return {};
}

Result<void> change_node(const Context& context, const Node& before, const Node& after) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(after.name)));
  if (before.hostname != after.hostname) {
    NSLAB_TRY(control.request("hostname", Packet().add("name", after.hostname)));
  }
  NSLAB_TRY(change_limits(control, before, after));
  Packet packet;
  packet.add("spec", resource::to_json_text(after)).add_all("env", after.environment);
  NSLAB_TRY(control.request("node", std::move(packet)));
  return {};
}

}  // namespace

Result<void> ensure_spawner(Context& context) {
  if (!context.spawner) {
    NSLAB_ASSIGN(spawner, Spawner::start(context.layout));
    context.spawner = std::move(spawner);
  }
  return {};
}

Outcome create(Context& context, Batch<Node> batch) {
  if (auto started = ensure_spawner(context); !started) {
    return Failure{0, std::move(started).error()};
  }
  auto surroundings = Surroundings::read(context);
  if (!surroundings) {
    return Failure{0, std::move(surroundings).error()};
  }
  return context.spawner->spawn(batch.size(), [&](std::size_t i) -> Result<NodeRequest> {
    if (context.interrupted()) {
      return interruption();
    }
    return request_for(context, *surroundings, *batch[i]);
  });
}

Outcome change(Context& context, Changes<Node> batch) {
  return each(batch, [&](const Node& before, const Node& after) {
    return change_node(context, before, after);
  });
}

Outcome destroy(Context& context, Batch<Node> batch) {
  for (const Node* node : batch) {
    keep_hold_of_netns(context, *node);
  }
  if (auto ended = end_services_of(context, batch); !ended) {
    return Failure{0, std::move(ended).error()};
  }
  return each(batch, [&](const Node& spec) { return remove_node(context, spec); });
}

}  // namespace nslab::host
