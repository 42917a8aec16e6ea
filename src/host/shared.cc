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

Result<void> set_limits(Context& context, const Cgroup& spec) {
  const std::string asked = context.layout.limits_file(spec.node);
  NSLAB_TRY(make_directories(std::filesystem::path(asked).parent_path()));
  NSLAB_TRY(remember(context.layout, asked, resource::to_json_text(spec)));
  return context.cgroups.apply(context.layout.cgroup(spec.node), limits_of(spec));
}

Result<void> make_cgroup(Context& context, const Cgroup& spec) {
  NSLAB_TRY(context.cgroups.create(context.layout.cgroup(spec.node)));
  return spec.limited() ? set_limits(context, spec) : Result<void>();
}

}  // namespace

kernel::Limits limits_of(const Cgroup& spec) {
  return {.memory = spec.memory,
          .swap = spec.swap,
          .cpu_millis = spec.cpu_millis,
          .cpu_weight = spec.cpu_weight,
          .cpuset = spec.cpuset,
          .pids = spec.pids};
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
    NSLAB_TRY(set_limits(context, after));
    return before.in_force ? Result<void>() : bring_into_cgroup(context, after.node);
  });
}

Outcome destroy(Context& context, Batch<Cgroup> batch) {
  return each(batch, [&](const Cgroup& spec) -> Result<void> {
    (void)::unlink(context.layout.limits_file(spec.node).c_str());
    context.new_cgroups.erase(spec.node);
    // The node has gone before, and is not to start again.
    NSLAB_TRY(kernel::remove_tree(context.layout.node_dir(spec.node)));
    return context.cgroups.remove(context.layout.cgroup(spec.node), context.deadline());
  });
}

}  // namespace nslab::host
