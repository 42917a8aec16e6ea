#include "host/linux_host.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <new>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "host/capacity.h"
#include "host/forget.h"
#include "host/inherited.h"
#include "host/inspect.h"
#include "host/made_by.h"
#include "host/objects.h"
#include "host/observe.h"
#include "host/obstacles.h"
#include "host/settle.h"

namespace nslab::host {
namespace {

template <typename T>
constexpr bool changes_in_place() {
  bool found = false;
  resource::for_each_field<T>(
      [&](const auto& row) { found = found || row.cost == resource::Cost::nothing; });
  return found;
}

// No plan holds such a step.
Failure not_possible(const resource::Spec& spec, const char* what) {
  return {
      0,
      Error{.kind = ErrorKind::internal, .message = to_string(id_of(spec)) + " cannot be " + what}};
}

// Of what the kernel has no more, where that depends on what was to be made.
template <typename T>
void add_remedy(Error& error) {
  constexpr bool kNamespaces = std::is_same_v<T, resource::NetNs> ||
                               std::is_same_v<T, resource::UserNs> ||
                               std::is_same_v<T, resource::Node>;
  if (kNamespaces && error.os_error == ENOSPC) {
    error.hint =
        "the host has as many namespaces as it allows ('nslab doctor' shows the limits, and how to "
        "raise them), or the nodes have written as much as 'limits: {layers}' of the lab allows "
        "('nslab status' shows it)";
  } else if (error.os_error == EAGAIN) {
    error.hint =
        "if a process could not be started: raise 'pids' in the node's limits, pids.max of the "
        "cgroup that nslab runs in, "
        "'ulimit -u' of its shell, or kernel.threads-max";
  }
}

// No memory is a failure like any other: what was begun is put back with what was set
// aside for that.
Error out_of_memory(Context& context) {
  const std::scoped_lock lock(context.mutex);
  context.memory.reset();
  return kernel_error("working on the lab", ENOMEM);
}

// What is open may be in use beside this call, so that it is closed before the next
// look at the host.
template <typename T, typename Act>
Outcome distrusting_on_failure(Context& context, Act act) {
  Outcome outcome;
  try {
    outcome = act();
  } catch (const std::bad_alloc&) {
    outcome = Failure{0, out_of_memory(context)};
  }
  if (outcome) {
    context.distrusted = true;
    add_remedy<T>(outcome->error);
  }
  return outcome;
}

template <typename T>
std::vector<const T*> typed(std::span<const resource::Spec* const> batch) {
  std::vector<const T*> specs;
  specs.reserve(batch.size());
  for (const resource::Spec* spec : batch) {
    specs.push_back(std::get_if<T>(spec));
  }
  return specs;
}

}  // namespace

Result<std::unique_ptr<LinuxHost>> LinuxHost::open(const std::string& state_dir,
                                                   const std::string& lab,
                                                   Interrupt interrupt) {
  if (::geteuid() != 0) {
    return Error{.kind = ErrorKind::permission,
                 .message = "nslab makes namespaces and cgroups, which takes root",
                 .hint = "run it as root, with sudo for example"};
  }
  if (!is_lab_name(lab)) {
    return Error{.kind = ErrorKind::not_found, .message = quote(lab) + " is not the name of a lab"};
  }
  NSLAB_TRY(check_cgroup_parent());
  NSLAB_ASSIGN(mark, state_mark(state_dir));
  const Layout layout(state_dir, lab);
  NSLAB_ASSIGN(cgroups, kernel::CgroupTree::open(cgroup_parent_of(layout), mark));
  auto context = std::make_unique<Context>(layout, std::move(cgroups), interrupt);
  return std::unique_ptr<LinuxHost>(new LinuxHost(std::move(context)));
}

LinuxHost::LinuxHost(std::unique_ptr<Context> context) : context_(std::move(context)) {}

LinuxHost::~LinuxHost() = default;

std::vector<Error> LinuxHost::obstacles(const resource::DesiredState& desired, Made made) {
  return host::obstacles(*context_, desired, made);
}

std::vector<Error> LinuxHost::warnings(const resource::DesiredState& desired) {
  std::vector<Error> warnings = host::tight(*context_, desired);
  std::ranges::move(not_lifted(), std::back_inserter(warnings));
  return warnings;
}

Result<resource::ObservedState> LinuxHost::observe() {
  return look(nullptr);
}

Result<resource::ObservedState> LinuxHost::observe(const Places& places) {
  return look(&places);
}

Result<resource::ObservedState> LinuxHost::look(const Places* only) {
  context_->close_distrusted();
  auto observed = [&]() -> Result<resource::ObservedState> {
    try {
      return host::observe(*context_, only);
    } catch (const std::bad_alloc&) {
      return out_of_memory(*context_);
    }
  }();
  if (!observed) {
    context_->distrusted = true;
  }
  return observed;
}

// Nodes are made beside the network: only who works on that writes it down.
template <typename T>
void LinuxHost::note_change() {
  if constexpr (T::kKind >= resource::Kind::netns && T::kKind <= resource::Kind::route) {
    network_changed_ = true;
  }
}

Outcome LinuxHost::create(std::span<const resource::Spec* const> batch) {
  return std::visit(
      [&](const auto& first) -> Outcome {
        using T = std::remove_cvref_t<decltype(first)>;
        if constexpr (std::is_same_v<T, resource::Link>) {
          return not_possible(first, "created");  // foreign: only ever found
        } else {
          note_change<T>();
          return distrusting_on_failure<T>(
              *context_, [&] { return host::create(*context_, Batch<T>(typed<T>(batch))); });
        }
      },
      *batch.front());
}

// A process that forks has one thread.
bool LinuxHost::prepare_side_by_side() {
  return ensure_spawner(*context_).has_value();
}

Outcome LinuxHost::change(std::span<const Change> batch) {
  return std::visit(
      [&](const auto& first) -> Outcome {
        using T = std::remove_cvref_t<decltype(first)>;
        if constexpr (changes_in_place<T>()) {
          std::vector<ChangeOf<T>> changes;
          changes.reserve(batch.size());
          for (const Change& each : batch) {
            changes.push_back({std::get_if<T>(each.before), std::get_if<T>(each.after)});
          }
          note_change<T>();
          return distrusting_on_failure<T>(
              *context_, [&] { return host::change(*context_, Changes<T>(changes)); });
        } else {
          return not_possible(first, "changed in place");
        }
      },
      *batch.front().before);
}

Outcome LinuxHost::destroy(std::span<const resource::Spec* const> batch) {
  return std::visit(
      [&](const auto& first) -> Outcome {
        using T = std::remove_cvref_t<decltype(first)>;
        if constexpr (std::is_same_v<T, resource::Setup>) {
          return not_possible(first, "undone");  // the node restarts instead
        } else {
          note_change<T>();
          return distrusting_on_failure<T>(
              *context_, [&] { return host::destroy(*context_, Batch<T>(typed<T>(batch))); });
        }
      },
      *batch.front());
}

Outcome LinuxHost::confirm(std::span<const resource::Spec* const> services) {
  using resource::Service;
  return distrusting_on_failure<Service>(*context_, [&] {
    return host::confirm(*context_, Batch<Service>(typed<Service>(services)));
  });
}

Result<std::vector<Error>> LinuxHost::settle() {
  context_->close_distrusted();
  try {
    NSLAB_ASSIGN(warnings, host::settle(*context_));
    if (std::exchange(network_changed_, false)) {
      NSLAB_TRY(host::forget_learnt(*context_));
    }
    return warnings;
  } catch (const std::bad_alloc&) {
    return out_of_memory(*context_);
  }
}

Result<LabStatus> LinuxHost::inspect() {
  context_->close_distrusted();
  return host::inspect(*context_);
}

bool LinuxHost::interrupted() const {
  return context_->interrupted();
}

void LinuxHost::heed_interrupts(bool heed) {
  context_->heeds_interrupts = heed;
}

void LinuxHost::release_reserve() {
  const std::scoped_lock lock(context_->mutex);
  context_->memory.reset();
}

void LinuxHost::count_traffic() {
  context_->counters = kernel::Counters::traffic;
}

}  // namespace nslab::host
