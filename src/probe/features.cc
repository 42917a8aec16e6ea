#include <algorithm>

#include "probe/attempts.h"
#include "probe/feature.h"

namespace nslab::probe {
namespace {

constexpr std::string_view kNothing = "nothing";
constexpr std::string_view kSetup = "everything but setup lines and services that use it";
// Where more can be said the finding says it: see remedies.h.
constexpr std::string_view kKernel = "boot a kernel that has it";
constexpr std::string_view kVersion2 =
    "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line";
constexpr std::string_view kUnlimited = "labs without this limit";
constexpr std::string_view kOnVersion1 = "everything, as long as version 1 has the controller";
constexpr std::string_view kFewer = "labs that stay below it";
constexpr std::string_view kNotUsed = "everything: nslab itself runs as root";

constexpr Feature name_space(std::string_view id,
                             std::string_view what,
                             bool required,
                             std::string_view without) {
  return {id, what, required, without, kKernel, Place::child, try_namespace, has_namespace_file};
}

constexpr Feature controller(std::string_view id, std::string_view what) {
  return {id, what, false, kUnlimited, kKernel, Place::here, try_controller, lists_controller};
}

constexpr Feature controller_v2(std::string_view id, std::string_view what) {
  return {id, what, false, kOnVersion1, kVersion2, Place::here, try_controller_v2};
}

constexpr Feature link(std::string_view id,
                       std::string_view what,
                       std::string_view module,
                       std::string_view config) {
  return {id, what, false, kSetup, kKernel, Place::network, try_link, knows_link, module, config};
}

constexpr Feature qdisc(std::string_view id,
                        std::string_view what,
                        std::string_view module,
                        std::string_view config) {
  return {id, what, false, kSetup, kKernel, Place::network, try_qdisc, nullptr, module, config};
}

constexpr Feature limit(std::string_view id, std::string_view what) {
  return {id, what, false, kFewer, "raise it", Place::here, judge_limit};
}

constexpr Feature kFeatures[] = {
    name_space("namespace:net", "network namespaces", true, kNothing),
    name_space("namespace:pid", "PID namespaces", true, "nodes with 'namespaces: {pid: host}'"),
    name_space("namespace:mnt", "mount namespaces", true, kNothing),
    name_space("namespace:uts", "UTS namespaces", true, "nodes with 'namespaces: {uts: host}'"),
    name_space("namespace:ipc", "IPC namespaces", true, "nodes with 'namespaces: {ipc: host}'"),
    name_space(
        "namespace:cgroup", "cgroup namespaces", true, "nodes with 'namespaces: {cgroup: host}'"),
    name_space("namespace:user", "user namespaces", false, "nodes without 'user: private'"),
    name_space("namespace:time", "time namespaces", false, "nodes without 'time: private'"),
    {"unprivileged-userns",
     "user namespaces for ordinary users",
     false,
     kNotUsed,
     kKernel,
     Place::child,
     try_unprivileged_userns},
    {"apparmor-userns",
     "user namespaces that AppArmor does not restrict",
     false,
     kNotUsed,
     "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
     Place::here,
     read_apparmor_switch},

    {"cgroup",
     "control groups",
     true,
     kNothing,
     "mount -t cgroup2 none /sys/fs/cgroup",
     Place::here,
     find_cgroups},
    controller("cgroup:memory", "a limit on memory"),
    controller("cgroup:swap", "a limit on swap"),
    controller("cgroup:cpu", "a limit on CPU time"),
    controller("cgroup:cpuset", "CPUs of its own"),
    controller("cgroup:pids", "a limit on processes"),
    {"cgroup-v2",
     "control groups of version 2",
     false,
     "everything, on version 1",
     kVersion2,
     Place::here,
     find_cgroup_v2},
    {"cgroup-v2:kill",
     "ending a control group at once",
     false,
     "everything, processes are killed one by one",
     "boot Linux 5.14 or newer",
     Place::here,
     try_cgroup_kill},
    controller_v2("cgroup-v2:memory", "limits on memory by version 2"),
    controller_v2("cgroup-v2:cpu", "limits on CPU time by version 2"),
    controller_v2("cgroup-v2:cpuset", "sets of CPUs by version 2"),
    controller_v2("cgroup-v2:pids", "limits on processes by version 2"),

    {"overlayfs",
     "overlayfs",
     true,
     "nodes with 'root: host'",
     "modprobe overlay, or write 'root: host'",
     Place::mounts,
     try_overlay,
     lists_overlay},
    {"overlayfs-userns",
     "overlayfs in a user namespace",
     false,
     kNotUsed,
     "boot Linux 5.11 or newer",
     Place::child,
     try_overlay_in_userns},
    {"idmapped-root",
     "a root that user namespaces can have",
     false,
     "nodes without 'user: private', and those with a 'root:' on ext4, xfs or btrfs",
     "have / on ext4, xfs or btrfs, or give such nodes a 'root:' there",
     Place::here,
     try_idmapped_root},

    {"veth",
     "cables (veth)",
     true,
     "nodes without interfaces",
     kKernel,
     Place::network,
     try_link,
     knows_link,
     "veth",
     "CONFIG_VETH"},
    {"bridge",
     "bridges",
     true,
     "labs of links, without subnets",
     kKernel,
     Place::network,
     try_link,
     knows_link,
     "bridge",
     "CONFIG_BRIDGE"},
    {"ipv6", "IPv6", false, "labs of IPv4", kKernel, Place::network, try_ipv6, has_ipv6},
    {"forwarding",
     "forwarding of packets",
     false,
     "labs without routers",
     "in a container: start it with CAP_SYS_ADMIN, as 'docker run --privileged' does",
     Place::network,
     try_forwarding},
    {"bridge-vlan",
     "VLAN filtering of bridges",
     false,
     kSetup,
     kKernel,
     Place::network,
     try_vlan_filtering,
     nullptr,
     "",
     "CONFIG_BRIDGE_VLAN_FILTERING"},
    link("vlan", "VLAN interfaces", "8021q", "CONFIG_VLAN_8021Q"),
    link("vxlan", "VXLAN interfaces", "vxlan", "CONFIG_VXLAN"),
    link("macvlan", "macvlan interfaces", "macvlan", "CONFIG_MACVLAN"),
    link("vrf", "VRF interfaces", "vrf", "CONFIG_NET_VRF"),
    link("dummy", "dummy interfaces", "dummy", "CONFIG_DUMMY"),
    link("ifb", "ifb interfaces", "ifb", "CONFIG_IFB"),
    link("wireguard", "WireGuard interfaces", "wireguard", "CONFIG_WIREGUARD"),
    {"tun", "TUN and TAP interfaces", false, kSetup, kKernel, Place::network, try_tun},
    qdisc("netem", "delay and loss (netem)", "sch_netem", "CONFIG_NET_SCH_NETEM"),
    qdisc("tbf", "rates (tbf)", "sch_tbf", "CONFIG_NET_SCH_TBF"),
    {"nftables",
     "nftables",
     false,
     kSetup,
     kKernel,
     Place::network,
     try_nftables,
     nullptr,
     "nf_tables",
     "CONFIG_NF_TABLES"},

    limit("limit:net-namespaces", "room for network namespaces"),
    limit("limit:pid-namespaces", "room for PID namespaces"),
    limit("limit:mnt-namespaces", "room for mount namespaces"),
    limit("limit:uts-namespaces", "room for UTS namespaces"),
    limit("limit:ipc-namespaces", "room for IPC namespaces"),
    limit("limit:cgroup-namespaces", "room for cgroup namespaces"),
    limit("limit:user-namespaces", "room for user namespaces"),
    limit("limit:time-namespaces", "room for time namespaces"),
    limit("limit:process-numbers", "numbers for processes"),
    limit("limit:threads", "room for threads"),
    limit("limit:open-files", "file descriptors for nslab"),
    limit("limit:neighbours-ipv4", "room for IPv4 neighbours"),
    limit("limit:neighbours-ipv6", "room for IPv6 neighbours"),
    limit("limit:inotify-instances", "room for programs that watch files"),
    limit("limit:inotify-watches", "room for watched files"),
};

}  // namespace

std::span<const Feature> features() {
  return kFeatures;
}

const Feature* find_feature(std::string_view id) {
  const auto* found = std::ranges::find(kFeatures, id, &Feature::id);
  return found == std::end(kFeatures) ? nullptr : found;
}

}  // namespace nslab::probe
