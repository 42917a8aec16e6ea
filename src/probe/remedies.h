// What to do about what a host lacks, where that depends on the host: a command where one
// helps, else what to boot or to ask for.
#pragma once

#include <string>
#include <string_view>

namespace nslab::probe {

// For a part of the kernel that is missing though it was asked for. `module` is empty where
// it is no module.
std::string kernel_remedy(std::string_view module, std::string_view config);

// For a namespace that cannot be made, by errno. The calling process may lose its root
// directory by it: it has to be a throw-away one.
std::string namespace_remedy(std::string_view kind, int os_error);

// For user namespaces that who is not root is denied.
std::string unprivileged_userns_remedy();

// For a cgroup controller that no hierarchy has.
std::string controller_remedy(std::string_view controller);

// For /dev/net/tun, by errno.
std::string tun_remedy(int os_error);

std::string ipv6_remedy();

}  // namespace nslab::probe
