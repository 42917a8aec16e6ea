#include "host/observe.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/directory.h"
#include "base/text.h"
#include "host/files.h"
#include "host/inits.h"
#include "host/made_by.h"
#include "host/observe_network.h"
#include "host/observe_node.h"
#include "host/user_ids.h"
#include "kernel/mount.h"
#include "kernel/netns.h"
#include "resource/json.h"
#include "resource/share.h"

namespace nslab::host {
namespace {

using resource::ObservedState;

// What cannot be told is neither there nor absent: a lab that was taken for torn is made anew.
Result<bool> exists(const std::string& path) {
  struct stat info {};

  if (::lstat(path.c_str(), &info) == 0) {
    return true;
  }
  return errno == ENOENT || errno == ENOTDIR ? Result<bool>(false)
                                             : kernel_error("looking for " + quote(path), errno);
}

bool is_directory_or_gone(const std::string& path) {
  struct stat info {};

  return ::lstat(path.c_str(), &info) != 0 || S_ISDIR(info.st_mode);
}

// Links where `ip netns` looks that lead into the lab.
Result<bool> has_names(const Layout& layout) {
  NSLAB_ASSIGN(names, names_in(Layout::names_dir()));
  for (const std::string& name : names) {
    NSLAB_ASSIGN(target, link_target(Layout::names_dir() + "/" + name));
    if (target.starts_with(layout.ns_dir() + "/")) {
      return true;
    }
  }
  return false;
}

// As it was asked for, unless somebody has changed it since.
Result<std::string> size_of_layers(const Layout& layout) {
  const std::uint64_t bytes = kernel::tmpfs_use(layout.layers_dir()).bytes;
  const std::string asked = read_file(layout.layers_size_file()).value_or("");
  NSLAB_ASSIGN(expected, bytes_of(asked));
  return expected == bytes ? asked : resource::share_of_bytes(bytes);
}

// What is made with the lab, and nothing makes again. Nodes that run see the first of it alone.
Result<bool> has_directories(const Layout& layout) {
  for (const std::string& each : {layout.nodes_dir(), layout.base_dir()}) {
    NSLAB_ASSIGN(there, exists(each));
    if (!there) {
      return false;
    }
  }
  return true;
}

// The state directory can be moved while labs are up: their mounts move with it.
Result<void> check_not_moved(const Layout& layout, const std::vector<kernel::MountEntry>& table) {
  const std::string end = "/" + layout.lab();
  for (const kernel::MountEntry& each : table) {
    if (each.source != layout.mount_source() || !each.target.ends_with(end)) {
      continue;
    }
    const auto made_by = read_made_by(each.target);
    NSLAB_ASSIGN(mark, state_mark(layout.state_dir()));
    if (made_by && made_by->mark == mark) {
      const std::string directory = each.target.substr(0, each.target.size() - end.size());
      return Error{.kind = ErrorKind::conflict,
                   .message = "lab " + quote(layout.lab()) + " is at " + quote(each.target) +
                              " now: its state directory " + quote(layout.state_dir()) +
                              " was moved while it was up",
                   .hint = "move it back: mv -T " + directory + " " + layout.state_dir()};
    }
  }
  return {};
}

// Anything at all that a lab which was cut short can leave behind is the lab.
Result<bool> observe_lab(Context& context, ObservedState& state) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(table, kernel::mount_table());
  const auto mounted = [&](const std::string& target) {
    return kernel::stacked_at(table, target, layout.mount_source());
  };
  const auto lab_mounts = mounted(layout.lab_dir());
  if (lab_mounts == 0) {
    NSLAB_TRY(check_not_moved(layout, table));
  }
  const auto ns_mounts = mounted(layout.ns_dir());
  const auto layer_mounts = mounted(layout.layers_dir());
  context.cgroups.recognize(layout.lab(), /*begun=*/lab_mounts > 0);
  const bool has_cgroup = context.cgroups.exists(layout.lab());
  NSLAB_ASSIGN(has_directory, exists(layout.lab_dir()));
  NSLAB_ASSIGN(going, exists(layout.going_mark()));
  if (lab_mounts == 0 && !has_cgroup && !has_directory) {
    NSLAB_ASSIGN(named, has_names(layout));
    NSLAB_ASSIGN(listening, has_inits(layout));
    if (!named && !listening) {
      return false;
    }
  }
  NSLAB_ASSIGN(in_place, has_directories(layout));
  const bool whole =
      lab_mounts == 1 && ns_mounts == 1 && layer_mounts == 1 && has_cgroup && !going && in_place;
  // A directory without our mount is a beginning of ours when it is empty.
  NSLAB_ASSIGN(content, names_in(layout.lab_dir()));
  const bool others = std::ranges::any_of(table, [&](const kernel::MountEntry& each) {
    return each.target == layout.lab_dir() && each.source != layout.mount_source();
  });
  const bool empty = content.empty() && !others && is_directory_or_gone(layout.lab_dir());
  const bool ours = lab_mounts > 0 || has_cgroup || empty;
  NSLAB_ASSIGN(layers, size_of_layers(layout));
  state.add(resource::Lab{.name = layout.lab(), .whole = whole, .layers = std::move(layers)}, ours);
  return lab_mounts > 0;
}

// `path` is in the directory, "" that itself.
Result<void> observe_shared_files(const std::string& directory,
                                  const std::string& path,
                                  const std::string& of,
                                  ObservedState& state) {
  NSLAB_ASSIGN(names, names_in(directory + path));
  for (const std::string& name : names) {
    const std::string inner = path + "/" + name;
    if (auto content = read_file(directory + inner)) {
      state.add(resource::SharedFile{.path = inner, .content = *std::move(content), .of = of});
    } else {
      NSLAB_TRY(observe_shared_files(directory, inner, of, state));
    }
  }
  return {};
}

Result<void> observe_shared_files(const Layout& layout, ObservedState& state) {
  NSLAB_TRY(observe_shared_files(layout.base_dir(), "", "", state));
  NSLAB_ASSIGN(nodes, names_in(layout.own_dir()));
  for (const std::string& node : nodes) {
    NSLAB_TRY(observe_shared_files(layout.own_dir(node), "", node, state));
  }
  return {};
}

std::optional<resource::Cgroup> asked_limits(const Layout& layout, const std::string& node) {
  const auto text = read_file(layout.limits_file(node));
  if (!text) {
    return std::nullopt;
  }
  auto spec = resource::from_json_text(*text);
  if (!spec || !std::holds_alternative<resource::Cgroup>(*spec)) {
    return std::nullopt;
  }
  return std::get<resource::Cgroup>(*std::move(spec));
}

Result<void> observe_cgroups(const Context& context, const Places* only, ObservedState& state) {
  const Layout& layout = context.layout;
  NSLAB_ASSIGN(limited, names_in(layout.limits_dir()));
  const auto found = context.cgroups.limits_below(
      layout.lab(), [&](const std::string& node) { return is_among(only, node); });
  for (const auto& [node, limits] : found) {
    if (std::ranges::binary_search(limited, node)) {
      auto asked = asked_limits(layout, node);
      if (asked && kernel::equivalent(limits_of(context, *asked), limits)) {
        state.add(*std::move(asked));
        continue;
      }
    }
    state.add(resource::Cgroup{.node = node,
                               .memory = limits.memory,
                               .swap = limits.swap,
                               .cpu_millis = limits.cpu_millis,
                               .cpu_weight = limits.cpu_weight,
                               .cpuset = limits.cpuset,
                               .pids = limits.pids});
  }
  return {};
}

Result<void> observe_user_namespaces(const Layout& layout,
                                     const Places* only,
                                     ObservedState& state) {
  NSLAB_ASSIGN(nodes, userns_names(layout));
  for (const std::string& node : nodes) {
    if (!is_among(only, node)) {
      continue;
    }
    const bool whole = kernel::is_namespace_mount(layout.userns(node));
    state.add(resource::UserNs{.node = node, .count = whole ? user_ids_of(layout, node).count : 0});
  }
  return {};
}

// Names that the lab could want and that belong to somebody else.
Result<void> observe_foreign_names(const Layout& layout, const Places* only, ObservedState& state) {
  const std::string prefix = layout.lab() + ".";
  NSLAB_ASSIGN(names, names_in(Layout::names_dir()));
  for (const std::string& name : names) {
    const bool could_be_ours = name == layout.lab() || name.starts_with(prefix);
    const resource::NetNs spec{.name = name == layout.lab()
                                           ? std::string(resource::kSwitch)
                                           : name.substr(std::min(prefix.size(), name.size()))};
    if (could_be_ours && is_among(only, spec.name) && !state.resources.contains(id_of(spec)) &&
        !leads_into(layout, spec.name)) {
      state.add(spec, /*ours=*/false);
    }
  }
  return {};
}

}  // namespace

bool is_lab_mounted(const Layout& layout) {
  const auto table = kernel::mount_table();
  return table && kernel::stacked_at(*table, layout.lab_dir(), layout.mount_source()) > 0;
}

bool leads_into(const Layout& layout, const std::string& netns) {
  const auto target = link_target(layout.name_link(netns));
  return target && *target == layout.netns(netns);
}

Result<std::vector<std::string>> netns_names(const Layout& layout, const Places* only) {
  NSLAB_ASSIGN(names, names_in(layout.ns_dir()));
  std::erase_if(names, [&](const std::string& name) {
    return name.find(':') != std::string::npos || !is_among(only, name);
  });
  return names;
}

Result<std::vector<std::string>> userns_names(const Layout& layout) {
  constexpr std::string_view kPrefix = "user:";
  NSLAB_ASSIGN(names, names_in(layout.ns_dir()));
  std::vector<std::string> nodes;
  for (const std::string& name : names) {
    if (name.starts_with(kPrefix)) {
      nodes.push_back(name.substr(kPrefix.size()));
    }
  }
  return nodes;
}

Result<std::vector<std::string>> node_names(const Layout& layout, const Places* only) {
  NSLAB_ASSIGN(names, names_in(layout.nodes_dir()));
  std::erase_if(names, [&](const std::string& name) { return !is_among(only, name); });
  return names;
}

Result<ObservedState> observe(Context& context, const Places* only) {
  ObservedState state;
  context.answers.clear();
  context.contents.clear();
  NSLAB_ASSIGN(mounted, observe_lab(context, state));
  if (mounted) {
    NSLAB_TRY(observe_shared_files(context.layout, state));
    NSLAB_TRY(observe_cgroups(context, only, state));
    NSLAB_TRY(observe_user_namespaces(context.layout, only, state));
    NSLAB_TRY(observe_nodes(context, only, state));
    NSLAB_TRY(observe_network(context, only, state));
    NSLAB_TRY(observe_ipc_sysctls(context.layout, only, state));
  }
  NSLAB_TRY(observe_foreign_names(context.layout, only, state));
  return state;
}

}  // namespace nslab::host
