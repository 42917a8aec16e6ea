// The directory where `ip netns` looks.
#pragma once

#include "base/result.h"
#include "host/layout.h"

namespace nslab::host {

// `ip netns` makes it, too. Where we do, that is remembered for the end of the last lab.
Result<void> make_names_dir(const Layout& layout);

}  // namespace nslab::host
