// How the rows of features.cc are tried. Each runs in the place that its row names.
#pragma once

#include "probe/feature.h"

namespace nslab::probe {

// "namespace:net"
Finding try_namespace(const Feature& feature);
bool has_namespace_file(const Feature& feature);
Finding try_unprivileged_userns(const Feature& feature);
Finding read_apparmor_switch(const Feature& feature);

// Whether there is any hierarchy, or one of version 2.
Finding find_cgroups(const Feature& feature);
Finding find_cgroup_v2(const Feature& feature);
// "cgroup:memory" on either version, "cgroup-v2:memory" on that one.
Finding try_controller(const Feature& feature);
bool lists_controller(const Feature& feature);
Finding try_controller_v2(const Feature& feature);
Finding try_cgroup_kill(const Feature& feature);

Finding try_overlay(const Feature& feature);
bool lists_overlay(const Feature& feature);
Finding try_overlay_in_userns(const Feature& feature);
Finding try_idmapped_root(const Feature& feature);

// The row's id is the kind of interface, or of queueing discipline.
Finding try_link(const Feature& feature);
bool knows_link(const Feature& feature);
Finding try_vlan_filtering(const Feature& feature);
Finding try_qdisc(const Feature& feature);

Finding try_nftables(const Feature& feature);
Finding try_tun(const Feature& feature);
Finding try_forwarding(const Feature& feature);
Finding try_ipv6(const Feature& feature);
bool has_ipv6(const Feature& feature);

// A row of limits.h of the same id.
Finding judge_limit(const Feature& feature);

}  // namespace nslab::probe
