#include "host/limit_hint.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "base/text.h"

namespace nslab::host {

Error with_limit_hint(const kernel::CgroupTree& cgroups,
                      const Layout& layout,
                      std::string_view node,
                      Error error) {
  const std::string path = layout.cgroup(node);
  const auto usage = cgroups.usage(path);
  const auto limits = cgroups.limits(path);
  if (!usage || !limits) {
    return error;
  }
  const bool no_process = error.os_error == EAGAIN ||
                          error.message.find(::strerrordesc_np(EAGAIN)) != std::string::npos;
  if ((error.hint.empty() || no_process) && limits->pids && cgroups.refused_processes(path) > 0) {
    error.hint = "the limit of processes of node " + quote(node) + ", " +
                 std::to_string(*limits->pids) +
                 " with its init, has refused one: raise 'pids' in its limits";
  } else if (error.hint.empty() && usage->oom_kills > 0 && limits->memory) {
    error.hint = "the memory limit of node " + quote(node) + ", " + format_bytes(*limits->memory) +
                 ", has ended programs in it: raise 'memory' in its limits";
  }
  return error;
}

}  // namespace nslab::host
