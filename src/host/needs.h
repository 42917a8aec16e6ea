// What a lab needs of the host, by the rows of probe/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "resource/state.h"

namespace nslab::host {

struct Need {
  std::string_view feature;  // the id of a row of probe/
  std::string who;           // "node 'web'"
};

std::vector<Need> needs_of(const resource::Spec& spec);

// The features that the lab needs and the host lacks, each with the line that
// needs it first. What cannot be told is not lacking.
std::vector<Error> lacking(const resource::DesiredState& desired);

}  // namespace nslab::host
