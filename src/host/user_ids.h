// The ids of the host that stand behind user namespaces. Each namespace has a range of its
// own, on the whole host: what is counted or permitted by user is then each one's own.
#pragma once

#include <cstdint>
#include <string_view>

#include "host/objects.h"

namespace nslab::host {

// Settles for each of the batch which range it gets, and writes it down (Layout::ids_file).
// A node that had one in this lab has it again. Free are the ranges that no lab in the same
// state directory has, and that nobody is entered for in /etc: users, groups, subordinate
// ids, and what systemd-nspawn has at the moment.
Outcome claim_user_ids(const Context& context, Batch<resource::UserNs> batch);

struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;  // 0: none is known
};

// What was written down for the node.
IdRange user_ids_of(const Layout& layout, std::string_view node);

}  // namespace nslab::host
