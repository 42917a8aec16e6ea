#include "host/context.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "base/directory.h"
#include "base/text.h"
#include "host/control.h"
#include "host/spawner.h"
#include "kernel/netns.h"

namespace nslab::host {
namespace {

// All that is open, but for what nslab itself has open by now.
std::size_t count_inherited() {
  constexpr std::size_t kOwn = 8;
  const auto open = names_in("/proc/self/fd");
  return open && open->size() > kOwn ? open->size() - kOwn : 0;
}

// Address space, which nothing uses until it is let go.
constexpr std::size_t kSpareMemory = std::size_t{16} << 20;

// Two for each namespace of a lab of 4,000 nodes: 64 KiB while the command runs.
constexpr int kDescriptors = 8192;

}  // namespace

Context::Context(Layout paths, kernel::CgroupTree tree, Interrupt asked)
    : layout(std::move(paths)),
      cgroups(std::move(tree)),
      limits_pids(cgroups.can_limit("pids")),
      interrupt(asked),
      memory(std::make_unique_for_overwrite<std::byte[]>(kSpareMemory)),
      inherited(count_inherited()) {
  reserve_descriptors(kDescriptors);
  if (auto here = kernel::current_namespace(kernel::Namespace::net)) {
    home = *std::move(here);  // otherwise it is looked for each time
  }
}

Context::~Context() = default;

void Context::close_distrusted() {
  if (distrusted.exchange(false)) {
    open.clear();
    spawner.reset();
  }
}

Result<Packet> Context::await(Control& control,
                              std::chrono::steady_clock::time_point deadline) const {
  bool ready = control.wait(deadline, heeds_interrupts ? interrupt.fd : -1);
  if (interrupted()) {
    return interruption();
  }
  ready = ready || control.wait(deadline);  // others may have the descriptor as well
  if (!ready) {
    return kernel_error("waiting for a node's init", ETIMEDOUT);
  }
  return control.receive(this->deadline());
}

std::size_t Context::descriptors() const {
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur > inherited ? limit.rlim_cur - inherited : 0;
}

std::size_t Context::at_once(std::size_t most, std::size_t descriptors_each) const {
  return std::clamp(descriptors() / 4 / descriptors_each, std::size_t{1}, most);
}

namespace {

Result<UniqueFd> find_netns(const Layout& layout, std::string_view netns) {
  auto named = kernel::open_namespace_file(layout.netns(netns), kernel::Namespace::net);
  // Without its name, or with one that was cut short: nothing is mounted on its file.
  if (named || (named.error().kind != ErrorKind::conflict && !is_gone(named.error()))) {
    return named;
  }
  NSLAB_ASSIGN(control, Control::connect(layout.control_socket(netns)));
  return kernel::open_namespace(control.init_pid(), kernel::Namespace::net);
}

Result<std::shared_ptr<OpenNetns>> open_one(const Context& context, std::string_view netns) {
  NSLAB_ASSIGN(ns, find_netns(context.layout, netns));
  NSLAB_ASSIGN(socket, kernel::open_socket_in(ns.get(), context.home.get()));
  return std::make_shared<OpenNetns>(
      OpenNetns{.name = std::string(netns), .ns = std::move(ns), .socket = std::move(socket)});
}

// Two descriptors each: a process has a limit, and others need some as well.
std::size_t most_open(const Context& context) {
  constexpr std::size_t kOthers = 512;
  const std::size_t most = context.descriptors();
  return most > 2 * kOthers ? (most - kOthers) / 2 : most / 4;
}

}  // namespace

Result<std::shared_ptr<OpenNetns>> open_netns(Context& context, std::string_view netns) {
  const std::scoped_lock lock(context.mutex);
  if (const auto known = context.open.find(netns); known != context.open.end()) {
    return known->second;
  }
  NSLAB_ASSIGN(opened, open_one(context, netns));
  keep_open(context, opened);
  return opened;
}

Result<std::shared_ptr<OpenNetns>> find_open(const Context& context, std::string_view netns) {
  if (const auto known = context.open.find(netns); known != context.open.end()) {
    return known->second;
  }
  auto opened = open_one(context, netns);
  return opened || !is_gone(opened.error()) ? std::move(opened) : std::shared_ptr<OpenNetns>();
}

void keep_open(Context& context, std::shared_ptr<OpenNetns> netns) {
  if (netns && context.open.size() < most_open(context)) {
    const std::string& name = netns->name;
    context.open.insert_or_assign(name, std::move(netns));
  }
}

void let_go(Context& context, std::string_view netns) {
  if (const auto known = context.open.find(netns); known != context.open.end()) {
    context.open.erase(known);
  }
}

Outcome first_failure(std::vector<kernel::Failure> failures) {
  if (failures.empty()) {
    return {};
  }
  kernel::Failure& first = failures.front();
  return Failure{first.tag, std::move(first.error)};
}

}  // namespace nslab::host
