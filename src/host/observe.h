// Reads what the kernel has of a lab, by nslab's marks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/context.h"
#include "resource/state.h"

namespace nslab::host {

// Of these places alone, and of what belongs to all; of the whole lab where `only` is null.
Result<resource::ObservedState> observe(Context& context, const Places* only);

// The alias that marks an end of a cable: "nslab:webdb:web/eth0:a:mtu,up", with what the
// lab file says of it. It is what tells which interface is whose, since interface numbers
// repeat in every namespace.
std::string cable_mark(const Layout& layout,
                       const resource::Veth& cable,
                       const resource::VethEnd& end);

// The inverse: whose end an interface's alias says it is. Nothing for an alias that
// is no mark of this lab.
struct CableMark {
  std::string cable;   // "web/eth0"
  bool first = false;  // end a
  resource::Says says{};
};

std::optional<CableMark> read_cable_mark(const Layout& layout, std::string_view alias);

// Stands for the value of a sysctl that the kernel does not show.
inline constexpr std::string_view kUnreadable = "?";

inline bool is_among(const Places* only, std::string_view place) {
  return only == nullptr || only->contains(place);
}

// The names of the network namespaces that the lab has, whole or not.
Result<std::vector<std::string>> netns_names(const Layout& layout, const Places* only);

// The nodes that have a user namespace of their own, whole or not.
Result<std::vector<std::string>> userns_names(const Layout& layout);

// The nodes that have a directory.
Result<std::vector<std::string>> node_names(const Layout& layout, const Places* only);

// Whether the lab's own tmpfs is there.
bool is_lab_mounted(const Layout& layout);

// Whether the link where `ip netns` looks is ours.
bool leads_into(const Layout& layout, const std::string& netns);

}  // namespace nslab::host
