#include "resource/state.h"

namespace nslab::resource {

bool DesiredState::add(Spec spec, SourcePos origin, std::vector<Id> after) {
  Id id = id_of(spec);
  const auto order = static_cast<std::uint32_t>(resources.size());
  return resources
      .try_emplace(std::move(id),
                   Desired{std::move(spec), std::move(origin), std::move(after), order})
      .second;
}

void ObservedState::add(Spec spec, bool ours) {
  Id id = id_of(spec);
  resources.insert_or_assign(std::move(id), Observed{std::move(spec), ours});
}

}  // namespace nslab::resource
