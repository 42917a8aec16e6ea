// The part of observe() that is inside network namespaces, and the sysctls of others.
#pragma once

#include "host/context.h"

namespace nslab::host {

// An interface, and the namespace that it was found in.
struct FoundLink {
  const NetnsContents* netns = nullptr;
  const kernel::Link* link = nullptr;

  explicit operator bool() const { return link != nullptr; }
};

// The two ends of a cable; null where one was not found.
struct FoundCable {
  FoundLink a;
  FoundLink b;
};

// The cables of the lab by the names in their marks. Anybody can write an alias: it is a
// mark on an interface of nslab's group. Of several with one mark, those count that stand
// where it says and are each other's ends.
std::map<std::string, FoundCable> cables_in(const Layout& layout,
                                            std::span<const NetnsContents> all);

Result<void> observe_network(Context& context, const Places* only, resource::ObservedState& state);

Result<void> observe_ipc_sysctls(const Layout& layout,
                                 const Places* only,
                                 resource::ObservedState& state);

}  // namespace nslab::host
