// What differs between two values of one resource, for the plan and its reasons.
#pragma once

#include <string>
#include <vector>

#include "resource/spec.h"

namespace nslab::resource {

struct Difference {
  std::string field;   // "mtu"; of an end of a cable "web:eth0 mtu"
  std::string before;  // as a person reads it
  std::string after;
  Cost cost = Cost::nothing;
};

// The fields in which two specs of one kind and id differ; empty when equal, but for
// what the lab file has no say about (VethEnd::rules()).
std::vector<Difference> differences(const Spec& before, const Spec& after);

// "mtu 1500 -> 9000, up no -> yes"
std::string to_string(const std::vector<Difference>& differences);

}  // namespace nslab::resource
