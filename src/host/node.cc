// Nodes: an init each, in its namespaces, its cgroup and its root.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/directory.h"
#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
#include "host/graceful.h"
#include "host/objects.h"
#include "host/observe.h"
#include "host/observe_node.h"
#include "host/spawner.h"
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

// A socket that is bound and not yet listening: the init listens, so that its
// identity is what a client sees.
Result<UniqueFd> bind_control_socket(const std::string& path) {
  UniqueFd bound(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!bound.valid() || path.size() >= sizeof address.sun_path) {
    return kernel_error("binding " + quote(path), bound.valid() ? ENAMETOOLONG : errno);
  }
  path.copy(address.sun_path, path.size());
  // The file gets the socket's mode: unix(7) does not say so, unix_bind_bsd() of the
  // kernel does it. A umask would be that of all threads.
  if (::fchmod(bound.get(), 0600) != 0 ||
      ::bind(bound.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return kernel_error("binding " + quote(path), errno);
  }
  return bound;
}

void give(NodeRequest& request, std::string_view name, UniqueFd fd) {
  request.packet.add("fd", std::string(name));
  request.fds.push_back(std::move(fd));
}

// Another node's namespace of the type, through its init.
Result<UniqueFd> shared_namespace(const Context& context, const std::string& node, Namespace type) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(node)));
  return kernel::open_namespace(control.init_pid(), type);
}

// The host's number of root in a user namespace.
std::uint32_t first_id(const Context& context, const std::string& node) {
  resource::UserNs spec{.node = node};
  read_id_map(context.layout, spec);
  return spec.first_id;
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
      request.packet.add("uid_first", std::to_string(first_id(context, owner)));
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

struct Layer {
  std::string lower;
  std::string upper;
  std::string work;
};

// In a directory that is there.
Result<Layer> make_layer(const std::string& directory, const std::string& lower) {
  Layer layer{.lower = lower, .upper = directory + "/upper", .work = directory + "/work"};
  NSLAB_TRY(make_directory(layer.upper));
  NSLAB_TRY(make_directory(layer.work));
  return layer;
}

// What is found once for many nodes.
class Surroundings {
 public:
  static Result<Surroundings> read(const Context& context) {
    NSLAB_ASSIGN(table, kernel::mount_table());
    return Surroundings(std::move(table), context.cgroups.narrowed(context.layout.lab()));
  }

  // The file systems that are mounted below a node's root. Every name of a namespace is
  // in the table of mounts.
  const std::vector<std::string>& file_systems_below(const std::string& root) {
    const auto known = found_.find(root);
    return known != found_.end()
               ? known->second
               : found_.emplace(root, kernel::file_systems_below(table_, root)).first->second;
  }

  // Those that the lab has cgroups in.
  [[nodiscard]] const kernel::CgroupTree& cgroups() const { return cgroups_; }

 private:
  Surroundings(std::vector<kernel::MountEntry> table, kernel::CgroupTree cgroups)
      : table_(std::move(table)), cgroups_(std::move(cgroups)) {}

  std::vector<kernel::MountEntry> table_;
  std::map<std::string, std::vector<std::string>> found_;
  kernel::CgroupTree cgroups_;
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
  const std::string root = node.root == "overlay" ? "/" : node.root;
  const std::string directory = context.layout.node_dir(node.name);
  NSLAB_ASSIGN(top, make_layer(directory, root));
  request.packet.add("root", "overlay")
      .add("lower", context.layout.base_dir())
      .add("lower", top.lower)
      .add("upper", top.upper)
      .add("work", top.work);
  int count = 0;
  for (const std::string& target : surroundings.file_systems_below(root)) {
    const std::string place = directory + "/layer" + std::to_string(++count);
    NSLAB_TRY(make_directory(place));
    NSLAB_ASSIGN(layer, make_layer(place, target));
    const std::string inside = root == "/" ? target : target.substr(root.size());
    request.packet.add("layer",
                       inside + "\t" + layer.lower + "\t" + layer.upper + "\t" + layer.work);
  }
  return {};
}

Result<void> add_cgroup(const kernel::CgroupTree& cgroups,
                        const std::string& path,
                        NodeRequest& request) {
  request.packet.add_all("attach", cgroups.v1_procs_files(path));
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

// Makes the node's directory, and clears away what an earlier init of that name left
// behind: its files, and processes.
Result<void> make_node_dir(Context& context,
                           const kernel::CgroupTree& cgroups,
                           const std::string& node) {
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
    NSLAB_TRY(kernel::remove_tree(directory));
    NSLAB_TRY(make_directory(directory));
  }
  return {};
}

Result<NodeRequest> request_for(Context& context, Surroundings& surroundings, const Node& node) {
  const Layout& layout = context.layout;
  NSLAB_TRY(make_node_dir(context, surroundings.cgroups(), node.name));
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
  NSLAB_TRY(add_cgroup(surroundings.cgroups(), layout.cgroup(node.name), request));
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
  NSLAB_TRY(forget_ipc_sysctls(layout, node.name));
  return kernel::remove_tree(layout.node_dir(node.name));
}

Result<void> change_node(const Context& context, const Node& before, const Node& after) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(after.name)));
  if (before.hostname != after.hostname) {
    NSLAB_TRY(control.request("hostname", Packet().add("name", after.hostname)));
  }
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
