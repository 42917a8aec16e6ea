// What a lab needs of the host, by the rows of probe/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "host/host.h"

namespace nslab::host {

struct Need {
  std::string_view feature;  // the id of a row of probe/
  std::string who;           // "node 'web'"
};

std::vector<Need> needs_of(const resource::Spec& spec);

// The features that these objects need and the host lacks, each with the line that
// needs it first. What cannot be told is not lacking.
std::vector<Error> lacking(Made made);

}  // namespace nslab::host
