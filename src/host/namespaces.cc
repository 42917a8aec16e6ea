// User and network namespaces with names, and the sysctls of a namespace.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "base/directory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
#include "host/left_behind.h"
#include "host/names_dir.h"
#include "host/netns_defaults.h"
#include "host/objects.h"
#include "host/observe.h"
#include "host/per_netns.h"
#include "host/user_ids.h"
#include "kernel/mount.h"
#include "kernel/move.h"
#include "kernel/netns.h"
#include "kernel/sysctl.h"

namespace nslab::host {
namespace {

using resource::NetNs;
using resource::Sysctl;
using resource::UserNs;

// A file to mount a namespace on, and the namespace on it.
Result<void> name_descriptor(int ns, const std::string& path) {
  NSLAB_TRY(write_file(path, "", 0444));
  return kernel::bind_descriptor(ns, path);
}

// Where `ip netns` looks. A name that is there already is somebody else's.
Result<void> link_name(const Layout& layout, const std::string& netns) {
  const std::string link = layout.name_link(netns);
  std::error_code failed;
  if (std::filesystem::read_symlink(link, failed) == layout.netns(netns)) {
    return {};
  }
  int made = ::symlink(layout.netns(netns).c_str(), link.c_str());
  if (made != 0 && errno == ENOENT) {  // somebody has removed the directory
    NSLAB_TRY(make_names_dir(layout));
    made = ::symlink(layout.netns(netns).c_str(), link.c_str());
  }
  if (made != 0) {
    if (errno == EEXIST) {
      return Error{.kind = ErrorKind::conflict,
                   .message = "a network namespace " + quote(layout.public_name(netns)) +
                              " exists, and nslab did not make it",
                   .hint = "remove or rename it, or give the lab another name"};
    }
    return kernel_error("creating " + quote(link), errno);
  }
  return {};
}

// Bridges and their ports speak no IPv6 of their own: a capture shows the nodes'
// packets, and a thousand ports do not flood each other.
Result<void> silence_ipv6(int ns) {
  auto written = kernel::write_sysctl(ns, "net.ipv6.conf.default.disable_ipv6", "1");
  if (!written && written.error().os_error == ENOENT) {
    return {};  // a kernel without IPv6
  }
  return written;
}

Result<kernel::NetnsHandle> make_netns(const Context& context, const NetNs& spec) {
  UniqueFd owner;
  if (!spec.userns.empty()) {
    NSLAB_ASSIGN(
        userns,
        kernel::open_namespace_file(context.layout.userns(spec.userns), kernel::Namespace::user));
    owner = std::move(userns);
  }
  NSLAB_ASSIGN(made,
               owner.valid() ? kernel::create_netns_in_userns(owner.get())
                             : kernel::create_netns(context.home.get()));
  if (spec.name == resource::kSwitch) {
    NSLAB_TRY(silence_ipv6(made.ns.get()));
  }
  return made;
}

// With its name. Its interfaces are those that the kernel gives to all.
Result<std::shared_ptr<OpenNetns>> make_named(const Context& context, const NetNs& spec) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(made, make_netns(context, spec));
  NSLAB_TRY(name_descriptor(made.ns.get(), layout.netns(spec.name)));
  NSLAB_TRY(link_name(layout, spec.name));
  return std::make_shared<OpenNetns>(
      OpenNetns{.name = spec.name, .ns = std::move(made.ns), .socket = std::move(made.socket)});
}

// What a new namespace begins with: the loopback, and on some hosts the tunnels of
// modules (fb_tunnels_only_for_init_net in Documentation/admin-guide/sysctl/net.rst).
Result<void> know_interfaces(std::span<const std::shared_ptr<OpenNetns>> fresh) {
  NSLAB_ASSIGN(links, kernel::list_links(fresh.front()->socket));
  for (const std::shared_ptr<OpenNetns>& netns : fresh) {
    for (const kernel::Link& link : links) {
      netns->links.emplace(link.name, link.index);
    }
    netns->next = links.empty() ? 0 : links.back().index + 1;
  }
  return {};
}

// Side by side, but for those that a user namespace owns: they take a fork, which no
// other thread may see.
Outcome make_all(Context& context, Batch<NetNs> batch) {
  std::vector<Result<void>> outcomes(batch.size());
  std::vector<std::shared_ptr<OpenNetns>> made(batch.size());
  const auto make = [&](std::size_t i) {
    auto one = make_named(context, *batch[i]);
    if (one) {
      made[i] = *std::move(one);
    } else {
      outcomes[i] = std::move(one).error();
    }
  };
  const auto make_owned_by_host = [&](std::size_t i) {
    if (batch[i]->userns.empty()) {
      make(i);
    }
  };
  in_parallel(batch.size(), make_owned_by_host, /*worth_a_thread=*/2);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i]->userns.empty()) {
      make(i);
    }
    if (!outcomes[i]) {
      return Failure{i, std::move(outcomes[i]).error()};
    }
  }
  if (auto known = know_interfaces(made); !known) {
    return Failure{0, std::move(known).error()};
  }
  std::vector<int> nodes;  // in the switch nothing has an address
  for (const std::shared_ptr<OpenNetns>& each : made) {
    if (each->name != resource::kSwitch) {
      nodes.push_back(each->ns.get());
    }
  }
  if (auto forgotten = forget_hosts_settings(nodes); !forgotten) {
    return Failure{0, std::move(forgotten).error()};
  }
  for (std::shared_ptr<OpenNetns>& each : made) {
    keep_open(context, std::move(each));
  }
  return {};
}

// A name that was removed by hand: the node's processes still hold the namespace.
Result<void> name_again(Context& context, const NetNs& spec) {
  const std::string path = context.layout.netns(spec.name);
  if (!kernel::is_namespace_mount(path)) {
    NSLAB_ASSIGN(netns, open_netns(context, spec.name));
    NSLAB_TRY(name_descriptor(netns->ns.get(), path));
  }
  return link_name(context.layout, spec.name);
}

// What is on an end, and would keep its name and its place there as long as the old
// namespace lasts: VLANs and their like do not move along.
void append_removal_of_uppers(const std::vector<kernel::Link>& links,
                              const std::vector<kernel::LinkIndex>& ends,
                              kernel::Batch& messages) {
  for (const kernel::Link& link : links) {
    const bool on_an_end =
        !link.peer_nsid && link.kind != "veth" && std::ranges::find(ends, link.peer) != ends.end();
    if (on_an_end) {
      kernel::append_delete_link(messages, 0, link.index);
    }
  }
}

// The ends of the lab's cables alone; found by their marks.
Result<void> move_ends(const Layout& layout, OpenNetns& from, kernel::NetnsHandle& to) {
  NSLAB_ASSIGN(links, kernel::list_links(from.socket));
  std::vector<kernel::LinkIndex> ends;
  for (const kernel::Link& link : links) {
    if (link.kind == "veth" && link.group == kernel::kNslabGroup &&
        read_cable_mark(layout, link.alias)) {
      ends.push_back(link.index);
    }
  }
  kernel::Batch messages;
  append_removal_of_uppers(links, ends, messages);
  (void)from.socket.execute(messages);  // what cannot be removed ends with the namespace
  return kernel::move_veths(from.socket, ends, to);
}

// What the sysctls were before is of no use without the namespace.
Result<void> forget_sysctls(const Layout& layout, const std::string& node) {
  NSLAB_ASSIGN(names, names_in(layout.sysctl_dir()));
  for (const std::string& name : names) {
    if (to_saved_sysctl(name).node == node) {
      (void)::unlink((layout.sysctl_dir() + "/" + name).c_str());
      (void)::unlink((layout.shown_sysctl_dir() + "/" + name).c_str());
    }
  }
  return {};
}

// A new namespace under the old one's name. Where this is cut short, cables end with the
// one that has no name yet, and are made anew by the next command.
Result<void> renew(Context& context, const NetNs& spec) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(old, open_netns(context, spec.name));
  let_go(context, spec.name);
  NSLAB_ASSIGN(fresh, make_netns(context, spec));
  NSLAB_TRY(forget_hosts_settings(std::array{fresh.ns.get()}));
  NSLAB_TRY(move_ends(layout, *old, fresh));
  NSLAB_TRY(forget_sysctls(layout, spec.name));
  if (kernel::is_namespace_mount(layout.netns(spec.name))) {
    NSLAB_TRY(leave_behind(layout, spec.name));
  }
  NSLAB_TRY(name_descriptor(fresh.ns.get(), layout.netns(spec.name)));
  NSLAB_TRY(link_name(layout, spec.name));
  keep_open(context,
            std::make_shared<OpenNetns>(OpenNetns{
                .name = spec.name, .ns = std::move(fresh.ns), .socket = std::move(fresh.socket)}));
  return {};
}

Result<void> raise_loopback(Context& context, const NetNs& spec) {
  NSLAB_ASSIGN(netns, open_netns(context, spec.name));
  kernel::Batch messages;
  kernel::append_link_settings(messages, 0, kernel::kLoopback, {.up = true});
  auto failure = first_failure(netns->socket.execute(messages));
  return failure ? std::move(failure->error) : Result<void>();
}

Result<void> remove_netns(Context& context, const NetNs& spec) {
  let_go(context, spec.name);
  const Layout& layout = context.layout;
  const std::string path = layout.netns(spec.name);

  struct stat info {};

  if (kernel::is_namespace_mount(path) && ::stat(path.c_str(), &info) == 0) {
    context.released.emplace(info.st_ino, spec.name);
  }
  std::error_code failed;
  if (std::filesystem::read_symlink(layout.name_link(spec.name), failed) == path &&
      ::unlink(layout.name_link(spec.name).c_str()) != 0) {
    return kernel_error("removing " + quote(layout.name_link(spec.name)), errno);
  }
  NSLAB_TRY(forget_sysctls(layout, spec.name));
  return remove_mounted(path);
}

Result<void> make_userns(Context& context, const UserNs& spec) {
  const IdRange ids = user_ids_of(context.layout, spec.node);
  NSLAB_ASSIGN(ns, kernel::create_userns(ids.first, ids.count));
  return name_descriptor(ns.get(), context.layout.userns(spec.node));
}

bool is_of_netns(const Sysctl& spec) {
  const auto type = kernel::namespace_of_sysctl(spec.key);
  return type && *type == kernel::Namespace::net;
}

// The namespace that a sysctl belongs to: the node's network namespace, or the
// IPC namespace of its init.
Result<UniqueFd> namespace_of(Context& context, const Sysctl& spec) {
  NSLAB_ASSIGN(type, kernel::namespace_of_sysctl(spec.key));
  if (type == kernel::Namespace::net) {
    NSLAB_ASSIGN(netns, open_netns(context, spec.node));
    return UniqueFd(::fcntl(netns->ns.get(), F_DUPFD_CLOEXEC, 0));
  }
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(spec.node)));
  return kernel::open_namespace(control.init_pid(), type);
}

std::string directory_of(const Layout& layout, const Sysctl& spec) {
  return is_of_netns(spec) ? layout.sysctl_dir() : layout.ipc_sysctl_dir();
}

std::string saved_file(const Layout& layout, const Sysctl& spec) {
  return directory_of(layout, spec) + "/" + file_name({spec.node, spec.key});
}

// The value before the first write is kept until the sysctl is given up.
template <typename Read>
Result<void> keep_value_before(const Layout& layout, const Sysctl& spec, Read read) {
  const std::string saved = saved_file(layout, spec);
  if (read_file(saved)) {
    return {};
  }
  auto before = read();
  if (!before && before.error().os_error == ENOENT) {
    return std::move(before).error();
  }
  NSLAB_TRY(make_directory(directory_of(layout, spec)));
  return remember(layout, saved, before ? *before : std::string(kUnreadable));
}

// The kernel shows what it made of a value: 16 for "0x10", "1 2 3" with tabs between, and
// some it does not show at all. Kept where that is not what was written, so that it is
// known for it.
template <typename Read>
Result<void> keep_what_is_shown(const Layout& layout, const Sysctl& spec, Read read) {
  const std::string file = layout.shown_sysctl_dir() + "/" + file_name({spec.node, spec.key});
  const auto shown = read();
  if (shown && *shown == spec.value) {
    (void)::unlink(file.c_str());
    return {};
  }
  NSLAB_TRY(make_directory(layout.shown_sysctl_dir()));
  return remember(layout, file, spec.value + "\n" + (shown ? *shown : std::string(kUnreadable)));
}

// What a person can do about a sysctl that is not there, or not the node's.
Error explain(Error error, const Sysctl& spec, const OpenNetns* netns) {
  const auto parts = split(spec.key, '.');
  const bool of_interface = parts.size() >= 5 && (parts[2] == "conf" || parts[2] == "neigh");
  std::string interface(of_interface ? parts[3] : "");
  std::ranges::replace(interface, '/', '.');
  if (error.os_error == ENOENT && netns != nullptr && of_interface && interface != "all" &&
      interface != "default" && !netns->links.contains(interface)) {
    error.hint = "there may be no interface " + quote(interface) + " in node " + quote(spec.node) +
                 ": one that a service makes has its sysctls set there, by "
                 "'sysctl -w' after the line that makes it";
  } else if (error.os_error == EACCES || error.os_error == EPERM) {
    error.hint = "it belongs to the whole host: 'sysctl -w " + spec.key + "=…' there";
  } else if (error.os_error == ENOENT) {
    error.hint =
        "either no kernel has one of that name, or it belongs to the whole host, or the "
        "module that it comes with is not loaded there (modprobe)";
  } else if (error.os_error == EISDIR) {
    error.hint = "that is a directory of sysctls: give one that is in it";
  } else if (error.os_error == EINVAL) {
    error.hint = "the kernel does not take that value";
  }
  return error;
}

Result<void> explained(Result<void> done, const Sysctl& spec, const OpenNetns* netns) {
  return done ? Result<void>() : Result<void>(explain(std::move(done).error(), spec, netns));
}

Result<void> set_sysctl(Context& context, const Sysctl& spec) {
  NSLAB_ASSIGN(ns, namespace_of(context, spec));
  const auto read = [&] { return kernel::read_sysctl(ns.get(), spec.key); };
  NSLAB_TRY(explained(keep_value_before(context.layout, spec, read), spec, nullptr));
  NSLAB_TRY(explained(kernel::write_sysctl(ns.get(), spec.key, spec.value), spec, nullptr));
  return keep_what_is_shown(context.layout, spec, read);
}

Result<void> set_sysctl(const Layout& layout, OpenNetns& netns, const Sysctl& spec) {
  const auto read = [&] { return kernel::read_sysctl(netns.socket, netns.ns.get(), spec.key); };
  NSLAB_TRY(explained(keep_value_before(layout, spec, read), spec, &netns));
  NSLAB_TRY(explained(kernel::write_sysctl(netns.ns.get(), spec.key, spec.value), spec, &netns));
  // Every router has this one, and it is known how it is shown.
  const bool plain = spec.key == "net.ipv4.ip_forward" && spec.value == "1";
  return plain ? Result<void>() : keep_what_is_shown(layout, spec, read);
}

Result<void> restore_sysctl(Context& context, const Sysctl& spec) {
  const std::string saved = saved_file(context.layout, spec);
  (void)::unlink(
      (context.layout.shown_sysctl_dir() + "/" + file_name({spec.node, spec.key})).c_str());
  if (const auto before = read_file(saved); before && *before != kUnreadable) {
    NSLAB_ASSIGN(ns, namespace_of(context, spec));
    NSLAB_TRY(kernel::write_sysctl(ns.get(), spec.key, *before));
  }
  if (::unlink(saved.c_str()) != 0 && errno != ENOENT) {
    return kernel_error("removing " + quote(saved), errno);
  }
  return {};
}

}  // namespace

Outcome create(Context& context, Batch<UserNs> batch) {
  if (auto failure = claim_user_ids(context, batch)) {
    return failure;
  }
  return each(batch, [&](const UserNs& spec) { return make_userns(context, spec); });
}

// The network namespace that it owns goes with it.
Outcome destroy(Context& context, Batch<UserNs> batch) {
  return each(batch, [&](const UserNs& spec) -> Result<void> {
    NSLAB_TRY(remove_netns(context, {.name = spec.node}));
    return remove_mounted(context.layout.userns(spec.node));
  });
}

Outcome create(Context& context, Batch<NetNs> batch) {
  // Nodes come next as a rule: what makes them starts meanwhile, and before there are
  // names of namespaces for its mount namespace to copy. Who needs it hears why it failed.
  (void)ensure_spawner(context);
  const std::size_t at_once = context.at_once(256, 2);
  for (std::size_t first = 0; first < batch.size(); first += at_once) {
    const auto some = batch.subspan(first, std::min(at_once, batch.size() - first));
    if (auto failure = make_all(context, some)) {
      failure->index += first;
      return failure;
    }
  }
  return {};
}

Outcome change(Context& context, Changes<NetNs> batch) {
  return each(batch, [&](const NetNs& before, const NetNs& after) -> Result<void> {
    NSLAB_TRY(before.clean ? name_again(context, after) : renew(context, after));
    return before.loopback ? Result<void>() : raise_loopback(context, after);
  });
}

Outcome destroy(Context& context, Batch<NetNs> batch) {
  return each(batch, [&](const NetNs& spec) { return remove_netns(context, spec); });
}

// Nodes side by side, the sysctls of one in turn.
Outcome create(Context& context, Batch<Sysctl> batch) {
  struct Placed {
    const Sysctl* spec;
    std::size_t place;
  };

  std::vector<Placed> of_netns;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (is_of_netns(*batch[i])) {
      of_netns.push_back({batch[i], i});
    } else if (auto set = set_sysctl(context, *batch[i]); !set) {
      return Failure{i, std::move(set).error()};
    }
  }
  auto failure = for_each_netns(
      context,
      of_netns,
      [](const Placed& each) { return each.spec->node; },
      [&](OpenNetns& netns, kernel::Batch& /*messages*/, std::size_t i) {
        return set_sysctl(context.layout, netns, *of_netns[i].spec);
      });
  if (failure) {
    failure->index = of_netns[failure->index].place;
  }
  return failure;
}

Outcome change(Context& context, Changes<Sysctl> batch) {
  return each(batch, [&](const Sysctl& /*before*/, const Sysctl& after) {
    return set_sysctl(context, after);
  });
}

Outcome destroy(Context& context, Batch<Sysctl> batch) {
  return each(batch, [&](const Sysctl& spec) { return restore_sysctl(context, spec); });
}

}  // namespace nslab::host
