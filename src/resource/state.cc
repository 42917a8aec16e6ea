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

const Mount* mount_above(const DesiredState& desired,
                         const std::string& node,
                         std::string_view path) {
  for (std::size_t slash = path.rfind('/'); slash != 0 && slash != std::string_view::npos;
       slash = path.rfind('/')) {
    path = path.substr(0, slash);
    const auto found =
        desired.resources.find(id_of(Mount{.node = node, .target = std::string(path)}));
    if (found != desired.resources.end()) {
      return std::get_if<Mount>(&found->second.spec);
    }
  }
  return nullptr;
}

std::string place_on_host(const DesiredState& desired,
                          const std::string& node,
                          std::string_view path) {
  if (const Mount* above = mount_above(desired, node, path)) {
    return above->type == MountType::bind
               ? above->source + std::string(path.substr(above->target.size()))
               : "";
  }
  const auto found = desired.resources.find(node_id(node));
  const auto* spec =
      found != desired.resources.end() ? std::get_if<Node>(&found->second.spec) : nullptr;
  return spec != nullptr && spec->root == "host" ? std::string(path) : "";
}

void ObservedState::add(Spec spec, bool ours) {
  Id id = id_of(spec);
  resources.insert_or_assign(std::move(id), Observed{std::move(spec), ours});
}

}  // namespace nslab::resource
