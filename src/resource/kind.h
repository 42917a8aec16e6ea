// The kinds of objects that nslab manages.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nslab::resource {

// In the order in which objects are made: a kind depends on earlier kinds only,
// but for setup commands and services, which wait for each other across nodes.
enum class Kind : std::uint8_t {
  lab,
  shared_file,
  cgroup,
  userns,
  netns,
  bridge,
  veth,
  link,
  address,
  route,
  node,
  sysctl,
  mount,
  directory,
  file,
  setup,
  service,
  // No object of its own: what another provides, by the name that who uses it knows
  // (interfaces_of() in resource.h).
  interface,
};

inline constexpr std::array<std::string_view, 18> kKindNames{"lab",
                                                             "shared-file",
                                                             "cgroup",
                                                             "userns",
                                                             "netns",
                                                             "bridge",
                                                             "veth",
                                                             "link",
                                                             "address",
                                                             "route",
                                                             "node",
                                                             "sysctl",
                                                             "mount",
                                                             "directory",
                                                             "file",
                                                             "setup",
                                                             "service",
                                                             "interface"};

}  // namespace nslab::resource
