// What can exist on a host because of a lab: one plain struct per kernel
// object. Desired and observed state are made of the same structs, so that they
// can be compared, printed and stored alike.
//
// `node` and `netns` are names of the lab file, never of the host: the host
// layer turns them into paths and names under nslab's own prefix.
#pragma once

#include <variant>

#include "resource/content.h"
#include "resource/lab.h"
#include "resource/network.h"
#include "resource/node.h"

namespace nslab::resource {

// Every kind of object that nslab manages, in the order of Kind.
using Spec = std::variant<Lab,
                          SharedFile,
                          Cgroup,
                          UserNs,
                          NetNs,
                          Bridge,
                          Veth,
                          Link,
                          Address,
                          Route,
                          Node,
                          Sysctl,
                          Mount,
                          Directory,
                          File,
                          Setup,
                          Service>;

}  // namespace nslab::resource
