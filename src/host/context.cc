#include "host/context.h"

#include "base/text.h"
#include "host/control.h"
#include "host/spawner.h"
#include "kernel/mount.h"
#include "kernel/netns.h"

namespace nslab::host {

Context::Context(Layout paths, kernel::CgroupTree tree, std::function<bool()> interrupt)
    : layout(std::move(paths)), cgroups(std::move(tree)), interrupted(std::move(interrupt)) {}

Context::~Context() = default;

Result<UniqueFd> open_netns(const Context& context, std::string_view netns) {
  const std::string path = context.layout.netns(netns);
  if (kernel::is_namespace_mount(path)) {
    return kernel::open_namespace_file(path, kernel::Namespace::net);
  }
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(netns)));
  return kernel::open_namespace(control.init_pid(), kernel::Namespace::net);
}

Result<kernel::Socket> netns_socket(const Context& context, std::string_view netns) {
  NSLAB_ASSIGN(ns, open_netns(context, netns));
  return kernel::open_socket_in(ns.get());
}

Outcome first_failure(std::vector<kernel::Failure> failures) {
  if (failures.empty()) {
    return {};
  }
  kernel::Failure& first = failures.front();
  return Failure{first.tag, std::move(first.error)};
}

}  // namespace nslab::host
