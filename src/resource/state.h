// The two states that the reconciler brings together: what a lab file asks
// for, and what the kernel has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "resource/resource.h"

namespace nslab::resource {

struct Desired {
  Spec spec;
  SourcePos origin;         // the line of the lab file that asked for it
  std::vector<Id> after;    // further objects to wait for; order only, no part of the spec
  std::uint32_t order = 0;  // place of declaration; breaks ties between steps
};

struct DesiredState {
  std::string lab;
  std::string description;
  std::map<Id, Desired> resources;

  // Declares a resource, in the order of the calls. False, and nothing done,
  // when the lab has one of that id already.
  bool add(Spec spec, SourcePos origin, std::vector<Id> after = {});
};

// The innermost mount of the lab file that a path of the node is in, itself left out; null
// where the path is in the node's own tree.
const Mount* mount_above(const DesiredState& desired,
                         const std::string& node,
                         std::string_view path);

// Where a path of the node is on the host, by the lab file's bind mounts or by `root: host`;
// empty where it is the node's own.
std::string place_on_host(const DesiredState& desired,
                          const std::string& node,
                          std::string_view path);

struct Observed {
  Spec spec;
  bool ours = true;  // carries nslab's mark
};

struct ObservedState {
  std::map<Id, Observed> resources;

  void add(Spec spec, bool ours = true);
};

}  // namespace nslab::resource
