// Tries features. Nothing of the host is changed: what an attempt makes is in
// namespaces of a child that ends with it, or removed at once. The kernel may load
// a module, as it would for the lab.
#pragma once

#include <vector>

#include "base/error.h"
#include "probe/feature.h"

namespace nslab::probe {

struct Verdict {
  const Feature* feature = nullptr;
  Finding finding;

  // What to do about it; empty where there is nothing to do.
  [[nodiscard]] std::string_view remedy() const;
};

// The feature is tried, whatever its sign says.
Verdict examine(const Feature& feature);
std::vector<Verdict> examine_all();

// Whether the feature is there, by its sign where that is enough.
Verdict look_for(const Feature& feature);

// Whether nslab itself has what it needs. What could not be tried is not there.
bool is_ready(const std::vector<Verdict>& verdicts);

}  // namespace nslab::probe
