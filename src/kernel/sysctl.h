// Kernel parameters that belong to a namespace: /proc/sys/net to a network
// namespace, System V IPC and message queues to an IPC namespace.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kernel/netns.h"

namespace nslab::kernel {

// The namespace that a key belongs to ("net.ipv4.ip_forward" to a network
// namespace); an error of kind `semantic` for a key of the whole host.
Result<Namespace> namespace_of_sysctl(std::string_view key);

// The file below /proc/sys. Dots separate; an interface name that has dots is
// written with slashes instead, as sysctl(8) does: "net.ipv4.conf.eth0/1.mtu".
// Empty for a key that would leave /proc/sys or names nothing.
std::string sysctl_path(std::string_view key);

// `ns_fd` is a namespace of the type that the key belongs to. The value has no
// newline at its end; tabs between several numbers read as single spaces.
Result<std::string> read_sysctl(int ns_fd, std::string_view key);

// The same of a network namespace, whose socket is at hand. Forwarding, which every
// router has, is asked for by netlink, which takes no opening of files.
Result<std::string> read_sysctl(Socket& socket, int netns_fd, std::string_view key);

Result<void> write_sysctl(int ns_fd, std::string_view key, std::string_view value);

}  // namespace nslab::kernel
