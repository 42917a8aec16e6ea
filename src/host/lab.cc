// The lab itself: its directory, its mounts, its cgroup, and taking all away.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/directory.h"
#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
#include "host/graceful.h"
#include "host/inits.h"
#include "host/left_behind.h"
#include "host/made_by.h"
#include "host/names_dir.h"
#include "host/objects.h"
#include "host/observe.h"
#include "host/residue.h"
#include "kernel/link.h"
#include "kernel/mount.h"
#include "kernel/netns.h"

namespace nslab::host {
namespace {

// As make_names_dir(): whoever makes the cgroup of all labs remembers it beforehand.
Result<void> make_cgroup(Context& context) {
  const Layout& layout = context.layout;
  if (!context.cgroups.exists("")) {
    NSLAB_TRY(write_file(layout.cgroup_parent_mark(), "", 0600));
  }
  return context.cgroups.create(layout.lab());
}

Result<void> set_layers(const Layout& layout, const resource::Lab& spec) {
  const UniqueFd directory(::open(layout.layers_dir().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) {
    return kernel_error("opening " + quote(layout.layers_dir()), errno);
  }
  NSLAB_ASSIGN(bytes, bytes_of(spec.layers));
  auto set = kernel::resize_tmpfs(directory.get(), bytes);
  if (!set) {
    Error error = std::move(set).error();
    if (error.os_error == EINVAL) {
      error.hint = "the nodes have written " +
                   format_bytes(kernel::tmpfs_use(layout.layers_dir()).used) +
                   " already: write a larger 'limits: {layers: …}' for the lab";
    }
    return std::move(error).while_doing("limiting what nodes write to their roots");
  }
  return write_file(layout.layers_size_file(), spec.layers, 0600);
}

// The marks hold what nslab writes alone, and logs, which are short.
Result<void> make_lab(Context& context, const resource::Lab& spec) {
  const Layout& layout = context.layout;
  NSLAB_TRY(make_directories(layout.lab_dir()));
  NSLAB_TRY(make_names_dir(layout));
  const std::string source = layout.mount_source();
  NSLAB_ASSIGN(most, bytes_of("50%"));
  NSLAB_ASSIGN(layers, bytes_of(spec.layers));
  NSLAB_TRY(kernel::mount_tmpfs(source, layout.lab_dir(), most));
  NSLAB_TRY(write_made_by(layout, context.cgroups.parent()));
  for (const std::string& directory : {layout.ns_dir(),
                                       layout.nodes_dir(),
                                       layout.layers_dir(),
                                       layout.base_dir(),
                                       layout.sysctl_dir()}) {
    NSLAB_TRY(make_directories(directory));
  }
  NSLAB_TRY(kernel::mount_tmpfs(source, layout.ns_dir(), most));
  NSLAB_TRY(kernel::mount_tmpfs(source, layout.layers_dir(), layers));
  NSLAB_TRY(write_file(layout.layers_size_file(), spec.layers, 0600));
  return make_cgroup(context);
}

// Removes our links where `ip netns` looks: those that lead into this lab.
Result<void> remove_names(Context& context) {
  const std::string prefix = context.layout.ns_dir() + "/";
  NSLAB_ASSIGN(names, names_in(Layout::names_dir()));
  for (const std::string& name : names) {
    const std::string path = Layout::names_dir() + "/" + name;
    NSLAB_ASSIGN(target, link_target(path));
    if (target.starts_with(prefix) && ::unlink(path.c_str()) != 0) {
      return kernel_error("removing " + quote(path), errno);
    }
  }
  return {};
}

Result<void> remember_namespaces(Context& context) {
  NSLAB_ASSIGN(names, names_in(context.layout.ns_dir()));
  for (const std::string& name : names) {
    const std::string path = context.layout.ns_dir() + "/" + name;

    struct stat info {};

    if (kernel::is_namespace_mount(path) && ::stat(path.c_str(), &info) == 0) {
      context.released.emplace(info.st_ino, netns_of_file(name));
    }
  }
  return {};
}

// Mounts can be stacked, by a command that was killed between two of them.
Result<void> unmount_all(const std::string& target) {
  NSLAB_ASSIGN(table, kernel::mount_table());
  for (const kernel::MountEntry& entry : table) {
    if (entry.target == target) {  // more than are in reach are no error
      NSLAB_TRY(kernel::unmount(target));
    }
  }
  return {};
}

Result<void> remove_directories(const Layout& layout) {
  // Without its mount the directory is empty, unless somebody else put something there.
  if (::rmdir(layout.lab_dir().c_str()) != 0 && errno != ENOENT) {
    return kernel_error("removing " + quote(layout.lab_dir()), errno);
  }
  return {};
}

Result<bool> is_last_lab(const Layout& layout) {
  NSLAB_ASSIGN(labs, labs_on_host(layout.state_dir()));
  return std::ranges::all_of(labs, [&](const std::string& lab) { return lab == layout.lab(); });
}

// What all labs share: the last one's end removes it.
Result<void> remove_shared(Context& context) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(last, is_last_lab(layout));
  const bool made = ::access(layout.cgroup_parent_mark().c_str(), F_OK) == 0;
  context.cgroups.remove_parent(last && made);
  if (made && !context.cgroups.exists("") && ::unlink(layout.cgroup_parent_mark().c_str()) != 0) {
    return kernel_error("removing " + quote(layout.cgroup_parent_mark()), errno);
  }
  if (last && ::access(layout.names_dir_mark().c_str(), F_OK) == 0) {
    NSLAB_TRY(remove_if_empty(Layout::names_dir()));  // others may have put names there
    if (::unlink(layout.names_dir_mark().c_str()) != 0) {
      return kernel_error("removing " + quote(layout.names_dir_mark()), errno);
    }
  }
  return {};
}

// Cables of which somebody has moved both ends here: they go with no namespace of the lab.
Result<void> remove_strayed_cables(const Layout& layout) {
  NSLAB_ASSIGN(socket, kernel::Socket::open());
  NSLAB_ASSIGN(links, kernel::list_links(socket));
  kernel::Batch messages;
  for (const kernel::Link& link : links) {
    if (link.kind == "veth" && link.group == kernel::kNslabGroup &&
        read_cable_mark(layout, link.alias)) {
      kernel::append_delete_link(messages, 0, link.index);
    }
  }
  for (kernel::Failure& failure : socket.execute(messages)) {
    if (failure.error.os_error != ENODEV) {  // it went with its other end
      return std::move(failure.error);
    }
  }
  return {};
}

// What somebody has mounted below the lab's directory would go with it.
Result<void> check_mounts(const Layout& layout) {
  NSLAB_ASSIGN(table, kernel::mount_table());
  for (const kernel::MountEntry& each : table) {
    if (each.target.starts_with(layout.lab_dir() + "/") && each.type != "nsfs" &&
        each.source != layout.mount_source()) {
      return Error{.kind = ErrorKind::conflict,
                   .message = quote(each.target) + " is mounted, and not by nslab",
                   .hint = "what is in it stays so; unmount it: umount " + each.target};
    }
  }
  return {};
}

Result<void> remove_lab(Context& context) {
  const Layout& layout = context.layout;
  NSLAB_TRY(check_mounts(layout));
  context.open.clear();
  context.new_cgroups.clear();
  NSLAB_ASSIGN(graceful, graceful_services(layout));
  NSLAB_TRY(end_services(context, graceful));
  if (context.cgroups.exists(layout.lab())) {
    // What is killed in one stroke cannot be used again (empty_cgroup() in node.cc).
    if (is_lab_mounted(layout)) {
      (void)write_file(layout.going_mark(), "", 0600);
    }
    NSLAB_TRY(context.cgroups.begin_kill(layout.lab()));
  }
  NSLAB_TRY(remember_namespaces(context));
  NSLAB_TRY(remove_names(context));
  NSLAB_TRY(unmount_all(layout.ns_dir()));
  NSLAB_TRY(context.cgroups.finish_kill(layout.lab(), context.deadline()));
  NSLAB_TRY(end_inits(layout, context.deadline()));
  NSLAB_TRY(unmount_all(layout.layers_dir()));
  NSLAB_TRY(unmount_all(layout.lab_dir()));
  NSLAB_TRY(remove_directories(layout));
  NSLAB_TRY(remove_strayed_cables(layout));
  NSLAB_TRY(context.cgroups.remove(layout.lab(), context.deadline()));
  return remove_shared(context);
}

}  // namespace

Outcome create(Context& context, Batch<resource::Lab> batch) {
  return each(batch, [&](const resource::Lab& spec) { return make_lab(context, spec); });
}

Outcome change(Context& context, Changes<resource::Lab> batch) {
  return each(batch, [&](const resource::Lab& /*before*/, const resource::Lab& after) {
    return set_layers(context.layout, after);
  });
}

Outcome destroy(Context& context, Batch<resource::Lab> batch) {
  return each(batch, [&](const resource::Lab& /*spec*/) { return remove_lab(context); });
}

}  // namespace nslab::host
