// The way into this module: the text of a lab file to what it asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "resource/state.h"
#include "topology/topology.h"

namespace nslab {

struct LoadedLab {
  topology::Topology topology;
  resource::DesiredState desired;
};

// Nothing when there are diagnostics; then they hold every error of the file, in
// its order. `default_name` is the lab's name where the file says none.
// Relative paths in the file begin at `directory`, which is absolute; without
// it, at the directory in `file_name`. With a `name`, which has to be one of a lab,
// that is the lab's, whatever the file says.
std::optional<LoadedLab> load_lab(std::string_view text,
                                  const std::string& file_name,
                                  std::string_view default_name,
                                  Diagnostics& diagnostics,
                                  std::string_view directory = {},
                                  std::string_view name = {});

// The name that load_lab() would give: that in the file also where there are errors beyond
// it, the default one only for a sound file. Nothing where it cannot be known.
std::optional<std::string> lab_name(std::string_view text, std::string_view default_name);

// An error for what can be no lab's name.
Result<void> check_lab_name(std::string_view text);

namespace topology {

// The JSON Schema of the lab file, and the reference page in Markdown; both from
// the field tables.
std::string json_schema();
std::string reference_page();

}  // namespace topology
}  // namespace nslab
