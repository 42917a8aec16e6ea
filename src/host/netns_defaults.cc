#include "host/netns_defaults.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "kernel/link.h"
#include "kernel/sysctl.h"

namespace nslab::host {
namespace {

// The kernel's own values: ipv4_devconf and ipv4_devconf_dflt in net/ipv4/devinet.c,
// ipv6_devconf and ipv6_devconf_dflt in net/ipv6/addrconf.c.
struct Default {
  std::string_view key;
  std::string_view all;
  std::string_view fresh;  // of interfaces to come
};

// Forwarding comes first: to change it resets others.
constexpr std::array kIpv4 = std::to_array<Default>({{"forwarding", "0", "0"},
                                                     {"accept_redirects", "1", "1"},
                                                     {"secure_redirects", "1", "1"},
                                                     {"send_redirects", "1", "1"},
                                                     {"shared_media", "1", "1"},
                                                     {"rp_filter", "0", "0"},
                                                     {"accept_source_route", "0", "1"},
                                                     {"accept_local", "0", "0"},
                                                     {"route_localnet", "0", "0"},
                                                     {"src_valid_mark", "0", "0"},
                                                     {"promote_secondaries", "0", "0"},
                                                     {"proxy_arp", "0", "0"},
                                                     {"arp_accept", "0", "0"},
                                                     {"arp_announce", "0", "0"},
                                                     {"arp_filter", "0", "0"},
                                                     {"arp_ignore", "0", "0"},
                                                     {"arp_notify", "0", "0"},
                                                     {"log_martians", "0", "0"},
                                                     {"ignore_routes_with_linkdown", "0", "0"}});
constexpr std::array kIpv6 = std::to_array<Default>({{"forwarding", "0", "0"},
                                                     {"disable_ipv6", "0", "0"},
                                                     {"accept_ra", "1", "1"},
                                                     {"accept_redirects", "1", "1"},
                                                     {"autoconf", "1", "1"},
                                                     {"addr_gen_mode", "0", "0"}});

struct Setting {
  std::string key;
  std::string_view value;
};

// Those of the family that the namespace has otherwise. What it does not have at all, a
// kernel of another version does not know.
void find_others(int ns,
                 const std::string& family,
                 std::span<const Default> defaults,
                 std::vector<Setting>& others) {
  for (const Default& each : defaults) {
    for (const bool all : {true, false}) {
      Setting wanted{family + (all ? "all." : "default.") + std::string(each.key),
                     all ? each.all : each.fresh};
      const auto found = kernel::read_sysctl(ns, wanted.key);
      if (found && *found != wanted.value) {
        others.push_back(std::move(wanted));
      }
    }
  }
}

}  // namespace

Result<void> forget_hosts_settings(std::span<const int> namespaces) {
  std::vector<Setting> others;
  if (!namespaces.empty()) {
    find_others(namespaces.front(), "net.ipv4.conf.", kIpv4, others);
  }
  if (!namespaces.empty() && kernel::kernel_has_ipv6()) {
    find_others(namespaces.front(), "net.ipv6.conf.", kIpv6, others);
  }
  if (others.empty()) {
    return {};
  }
  std::vector<Result<void>> outcomes(namespaces.size());
  in_parallel(namespaces.size(), [&](std::size_t i) {
    for (const Setting& each : others) {
      if (outcomes[i]) {
        outcomes[i] = kernel::write_sysctl(namespaces[i], each.key, each.value);
      }
    }
  });
  for (Result<void>& outcome : outcomes) {
    NSLAB_TRY(std::move(outcome));
  }
  return {};
}

}  // namespace nslab::host
