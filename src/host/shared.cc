// What is one for all nodes, or stands beside them: shared files and cgroups.
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/text.h"
#include "host/files.h"
#include "host/objects.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using resource::Cgroup;
using resource::SharedFile;

Result<void> write_shared(const Context& context, const SharedFile& file) {
  const std::string path = context.layout.base_dir() + file.path;
  NSLAB_TRY(make_directories(std::filesystem::path(path).parent_path()));
  return write_file(path, file.content);
}

Result<void> set_limits(Context& context, const Cgroup& spec) {
  const std::string asked = context.layout.limits_file(spec.node);
  NSLAB_TRY(make_directories(std::filesystem::path(asked).parent_path()));
  NSLAB_TRY(write_file(asked, resource::to_json_text(spec), 0600));
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
    const std::string path = context.layout.base_dir() + spec.path;
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
  return each(batch, [&](const Cgroup& /*before*/, const Cgroup& after) {
    return set_limits(context, after);
  });
}

Outcome destroy(Context& context, Batch<Cgroup> batch) {
  return each(batch, [&](const Cgroup& spec) {
    (void)::unlink(context.layout.limits_file(spec.node).c_str());
    context.new_cgroups.erase(spec.node);
    return context.cgroups.remove(context.layout.cgroup(spec.node), context.deadline());
  });
}

}  // namespace nslab::host
