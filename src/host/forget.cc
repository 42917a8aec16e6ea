#include "host/forget.h"

#include <utility>

#include "base/parallel.h"
#include "host/observe.h"
#include "kernel/learnt.h"

namespace nslab::host {
namespace {

Result<void> forget_in(const Context& context, const std::string& name) {
  NSLAB_ASSIGN(netns, find_open(context, name));
  if (!netns || netns->next != 0) {
    return {};
  }
  if (name == resource::kSwitch) {
    return kernel::forget_stations(netns->socket);
  }
  NSLAB_TRY(kernel::forget_neighbours(netns->socket));
  return kernel::forget_cached_routes(netns->socket, netns->ns.get());
}

}  // namespace

Result<void> forget_learnt(Context& context) {
  NSLAB_ASSIGN(names, netns_names(context.layout, nullptr));
  std::vector<Result<void>> outcomes(names.size());
  in_parallel(
      names.size(),
      [&](std::size_t i) { outcomes[i] = forget_in(context, names[i]); },
      /*worth_a_thread=*/4);
  for (Result<void>& outcome : outcomes) {
    NSLAB_TRY(std::move(outcome));
  }
  return {};
}

}  // namespace nslab::host
