// Reads what the kernel has of a lab, by nslab's marks.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "host/context.h"
#include "resource/state.h"

namespace nslab::host {

Result<resource::ObservedState> observe(Context& context);

// The alias that marks an end of a cable: "nslab:webdb:web/eth0:a". It is what
// tells which interface is whose, since interface numbers repeat in every
// namespace.
std::string cable_mark(const Layout& layout,
                       const resource::Veth& cable,
                       const resource::VethEnd& end);

// The inverse: whose end an interface's alias says it is. Nothing for an alias that
// is no mark of this lab.
struct CableMark {
  std::string cable;   // "web/eth0"
  bool first = false;  // end a
};

std::optional<CableMark> read_cable_mark(const Layout& layout, const std::string& alias);

// The names of the network namespaces that the lab has, whole or not.
Result<std::vector<std::string>> netns_names(const Layout& layout);

// The nodes that have a directory.
Result<std::vector<std::string>> node_names(const Layout& layout);

// Whether the lab's own tmpfs is there.
bool is_lab_mounted(const Layout& layout);

// Whether the link where `ip netns` looks is ours.
bool leads_into(const Layout& layout, const std::string& netns);

// A file's name for a sysctl key, and back.
std::string saved_sysctl_name(std::string key);
std::string saved_sysctl_key(std::string name);

}  // namespace nslab::host
