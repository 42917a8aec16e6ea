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
#include "host/left_behind.h"
#include "host/objects.h"
#include "host/observe.h"
#include "kernel/mount.h"
#include "kernel/netns.h"

namespace nslab::host {
namespace {

// `ip netns` makes this directory too; who makes it remembers that it did, and
// beforehand: it may be killed between the two.
Result<void> make_names_dir(const Layout& layout) {
  struct stat info {};

  const std::string directory = Layout::names_dir();
  if (::stat(directory.c_str(), &info) == 0) {
    return {};
  }
  NSLAB_TRY(write_file(layout.names_dir_mark(), "", 0600));
  if (::mkdir(directory.c_str(), 0755) == 0) {
    return {};
  }
  const int error = errno;
  (void)::unlink(layout.names_dir_mark().c_str());
  return error == EEXIST ? Result<void>() : kernel_error("creating " + quote(directory), error);
}

Result<void> make_lab(Context& context) {
  const Layout& layout = context.layout;
  NSLAB_TRY(make_directories(layout.lab_dir()));
  NSLAB_TRY(make_names_dir(layout));
  NSLAB_TRY(kernel::mount_tmpfs(layout.mount_source(), layout.lab_dir()));
  for (const std::string& directory :
       {layout.ns_dir(), layout.nodes_dir(), layout.base_dir(), layout.sysctl_dir()}) {
    NSLAB_TRY(make_directories(directory));
  }
  NSLAB_TRY(kernel::mount_tmpfs(layout.mount_source(), layout.ns_dir()));
  return context.cgroups.create(layout.lab());
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
    if (entry.target == target) {
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
  NSLAB_ASSIGN(names, names_in(layout.state_dir()));
  return std::ranges::all_of(names, [&](const std::string& name) {
    return name.starts_with('.') || name == layout.lab() || name.starts_with(layout.lab() + ".");
  });
}

// What all labs share: the last one's end removes it.
Result<void> remove_shared(Context& context) {
  const Layout& layout = context.layout;
  const auto others = context.cgroups.children("");
  if (others && others->empty()) {
    NSLAB_TRY(context.cgroups.remove("", context.deadline()));
  }
  NSLAB_ASSIGN(last, is_last_lab(layout));
  if (last && ::access(layout.names_dir_mark().c_str(), F_OK) == 0) {
    NSLAB_TRY(remove_if_empty(Layout::names_dir()));  // others may have put names there
    if (::unlink(layout.names_dir_mark().c_str()) != 0) {
      return kernel_error("removing " + quote(layout.names_dir_mark()), errno);
    }
  }
  return {};
}

Result<void> remove_lab(Context& context) {
  const Layout& layout = context.layout;
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
  NSLAB_TRY(unmount_all(layout.lab_dir()));
  NSLAB_TRY(remove_directories(layout));
  NSLAB_TRY(context.cgroups.remove(layout.lab(), context.deadline()));
  return remove_shared(context);
}

}  // namespace

Outcome create(Context& context, Batch<resource::Lab> batch) {
  return each(batch, [&](const resource::Lab& /*spec*/) { return make_lab(context); });
}

Outcome destroy(Context& context, Batch<resource::Lab> batch) {
  return each(batch, [&](const resource::Lab& /*spec*/) { return remove_lab(context); });
}

}  // namespace nslab::host
