// What is one for all nodes, or stands beside them: shared files and cgroups.
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/text.h"
#include "host/files.h"
#include "host/inits.h"
#include "host/objects.h"
#include "kernel/mount.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using resource::Cgroup;
using resource::SharedFile;

std::string place_of(const Layout& layout, const SharedFile& file) {
  return (file.of.empty() ? layout.base_dir() : layout.own_dir(file.of)) + file.path;
}

Result<void> write_shared(const Context& context, const SharedFile& file) {
  const std::string path = place_of(context.layout, file);
  NSLAB_TRY(make_directories(std::filesystem::path(path).parent_path()));
  return write_file(path, file.content);
}

// Where the kernel shows the limits as they were asked for, that need not be written down.
Result<void> remember_limits(const Context& context, const Cgroup& spec) {
  const kernel::Limits limits = limits_of(context, spec);
  const bool exact = limits == kernel::Limits{.pids = limits.pids} && limits.pids == spec.pids;
  if (exact && !context.layout.is_limited(spec.node)) {
    return {};
  }
  const std::string asked = context.layout.limits_file(spec.node);
  NSLAB_TRY(make_directories(std::filesystem::path(asked).parent_path()));
  return remember(context.layout, asked, resource::to_json_text(spec));
}

Result<void> set_limits(Context& context, const Cgroup& spec) {
  NSLAB_TRY(remember_limits(context, spec));
  const std::string path = context.layout.cgroup(spec.node);
  auto applied = context.cgroups.apply(path, limits_of(context, spec));
  if (!applied && applied.error().os_error == EBUSY && spec.memory) {
    Error error = std::move(applied).error();
    const auto usage = context.cgroups.usage(path);
    error.hint = "node " + quote(spec.node) + " uses " +
                 (usage && usage->memory ? format_bytes(*usage->memory) : "more") +
                 " already: write a larger limit, or end programs in it first";
    return error;
  }
  return applied;
}

Result<void> make_cgroup(Context& context, const Cgroup& spec) {
  const std::string path = context.layout.cgroup(spec.node);
  NSLAB_TRY(context.cgroups.create(path));
  NSLAB_TRY(remember_limits(context, spec));
  return context.cgroups.apply_to_new(path, limits_of(context, spec));
}

}  // namespace

kernel::Limits limits_of(const Context& context, const Cgroup& spec) {
  const bool in_vain = spec.pids == resource::kDefaultPids && !context.limits_pids;
  return {.memory = spec.memory,
          .swap = spec.swap,
          .cpu_millis = spec.cpu_millis,
          .cpu_weight = spec.cpu_weight,
          .cpuset = spec.cpuset,
          .pids = in_vain ? std::nullopt : spec.pids};
}

Outcome create(Context& context, Batch<SharedFile> batch) {
  return each(batch, [&](const SharedFile& spec) { return write_shared(context, spec); });
}

Outcome change(Context& context, Changes<SharedFile> batch) {
  return each(batch, [&](const SharedFile& /*before*/, const SharedFile& after) {
    return write_shared(context, after);
  });
}

Outcome destroy(Context& context, Batch<SharedFile> batch) {
  return each(batch, [&](const SharedFile& spec) -> Result<void> {
    const std::string path = place_of(context.layout, spec);
    if (!spec.of.empty()) {
      // A node that runs goes on to see this copy: the last that is written to it is the
      // file of all.
      const auto of_all = read_file(context.layout.base_dir() + spec.path);
      NSLAB_TRY(of_all ? write_file(path, *of_all) : Result<void>());
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return kernel_error("removing " + quote(path), errno);
    }
    return {};
  });
}

Outcome create(Context& context, Batch<Cgroup> batch) {
  return each(batch, [&](const Cgroup& spec) -> Result<void> {
    NSLAB_TRY(make_cgroup(context, spec));
    context.new_cgroups.insert(spec.node);
    return {};
  });
}

Outcome change(Context& context, Changes<Cgroup> batch) {
  return each(batch, [&](const Cgroup& before, const Cgroup& after) -> Result<void> {
    if (!before.in_force) {  // where its processes are looked for may be gone
      NSLAB_TRY(context.cgroups.create(context.layout.cgroup(after.node)));
    }
    NSLAB_TRY(set_limits(context, after));
    return before.in_force ? Result<void>() : bring_into_cgroup(context, after.node);
  });
}

Outcome destroy(Context& context, Batch<Cgroup> batch) {
  return each(batch, [&](const Cgroup& spec) -> Result<void> {
    (void)::unlink(context.layout.limits_file(spec.node).c_str());
    context.new_cgroups.erase(spec.node);
    // The node has gone before, and is not to start again.
    NSLAB_TRY(kernel::remove_tree(context.layout.layer_dir(spec.node)));
    NSLAB_TRY(kernel::remove_tree(context.layout.node_dir(spec.node)));
    return context.cgroups.remove(context.layout.cgroup(spec.node), context.deadline());
  });
}

}  // namespace nslab::host
