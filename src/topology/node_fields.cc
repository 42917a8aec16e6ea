// The keys of a node: what it is, how it stands in its networks, its limits.
#include <array>

#include "topology/lab_file.h"

namespace nslab::topology {

const BlockText NodeKeys::kBlock{
    .name = "node",
    .noun = "a node",
    .doc = "An entry of `nodes`, of `groups`, or `defaults`. It may be left empty."};

namespace {

constexpr FieldText kInterfaces{
    .doc = "Interfaces on subnets, by name. The short form is the subnet's name alone.",
    .fallback = "",
    .example = "interfaces: {eth0: front, eth1: {subnet: back, address: 10.10.2.10}}",
    .cost = Cost::see_below};

constexpr FieldText kRoutes{.doc =
                                "Static routes, besides the default route that a node gets from "
                                "the router of its subnet.",
                            .fallback = "",
                            .example = "routes: [{to: 192.168.0.0/16, via: 10.10.1.254}]"};

constexpr FieldText kSysctls{
    .doc =
        "Kernel parameters of the node's network (net.*) and IPC namespace (kernel.msg*, "
        "kernel.shm*, kernel.sem, fs.mqueue.*). All others belong to the whole host. Those of an "
        "interface that `setup` makes are set after the setup.",
    .fallback = "",
    .example = "sysctls: {net.ipv4.ip_default_ttl: 32}"};

constexpr FieldText kEnvironment{
    .doc =
        "Variables of its setup commands, its services, `exec` and `shell`. With setup commands, "
        "changing them restarts the node.",
    .fallback = "",
    .example = "environment: {LANG: C.UTF-8}",
    .cost = Cost::service_restart};

constexpr FieldText kMounts{
    .doc =
        "What is mounted in the node, by path: a tmpfs, or a file or directory of the host. The "
        "short form is the host's path, bound writable.",
    .fallback = "",
    .example = "mounts: {/srv: {bind: ./site, read_only: true}, /cache: {tmpfs: 64M}}"};

constexpr FieldText kSetup{
    .doc =
        "Commands that run in the node, one after the other, each time it starts: its network "
        "stands, its services do not run yet, and of what they did before nothing is left in its "
        "network. They run again too when an interface of the node is made anew. One that fails "
        "fails `up`.",
    .fallback = "",
    .example = "setup: [ip route add blackhole 10.66.0.0/16]",
    .cost = Cost::node_restart};

constexpr FieldText kRoot{
    .doc =
        "What the node sees as /. `overlay`: the host's tree under a writable layer of the "
        "node's own. `host`: the host's tree itself, writable. A path: that directory under a "
        "layer of the node's own.",
    .fallback = "overlay",
    .example = "root: ./debian-rootfs",
    .cost = Cost::node_restart};

constexpr FieldText kKeep{
    .doc =
        "Whether what the node changed in its files is still there after a node restart. What is "
        "in memory (/run, /tmp, /dev/shm, `tmpfs`) never is; another `root`, and other user "
        "ids, begin with an empty layer.",
    .fallback = "true",
    .example = "keep: false"};

constexpr FieldText kAfter{
    .doc =
        "Nodes that come first: its setup and services wait until those are `started` (their "
        "setup is done) or `ready` (their services too).",
    .fallback = "",
    .example = "after: {db: ready}"};

constexpr FieldText kClock{.doc = "How far its clocks are set off, with `time: private`.",
                           .fallback = "",
                           .example = "clock: {boottime: 7d}",
                           .cost = Cost::node_restart};

}  // namespace

std::span<const Row<NodeKeys>> NodeKeys::rows() {
  static const std::array table{
      row<&NodeKeys::groups>("groups",
                             {.doc = "One group or several; of two that say different things the "
                                     "later one counts. Not in `defaults` and `groups`.",
                              .fallback = "",
                              .example = "groups: [small, backend]",
                              .cost = Cost::see_below}),
      row<&NodeKeys::hostname>("hostname",
                               {.doc = "The host name in its UTS namespace. Every node's "
                                       "/etc/hosts has it.",
                                .fallback = "the node's name",
                                .example = "hostname: web-01"}),
      row<&NodeKeys::role>("role",
                           {.doc = "A `router` forwards packets, and is the default gateway of "
                                   "the subnets that it stands on.",
                            .fallback = "host",
                            .example = "role: router"}),
      row<&NodeKeys::interfaces>("interfaces", kInterfaces),
      row<&NodeKeys::routes>("routes", kRoutes),
      row<&NodeKeys::sysctls>("sysctls", kSysctls),
      row<&NodeKeys::environment>("environment", kEnvironment),
      row<&NodeKeys::directories>("directories",
                                  {.doc = "Directories that the node has, by path, with their "
                                          "owners and permissions: made where they are not there. "
                                          "What daemons expect below /run is there already, as "
                                          "the tmpfiles.d(5) and units of the root say.",
                                   .fallback = "",
                                   .example = "directories: {/srv/www: {owner: www-data}}"}),
      row<&NodeKeys::files>("files",
                            {.doc = "Files that the node has, by path. The short form is the "
                                    "content alone.",
                             .fallback = "",
                             .example = "files: {/etc/motd: \"Hello\"}"}),
      row<&NodeKeys::mounts>("mounts", kMounts),
      row<&NodeKeys::setup>("setup", kSetup),
      row<&NodeKeys::services>("services",
                               {.doc = "Processes that the node's init starts, supervises and "
                                       "logs, by name.",
                                .fallback = "",
                                .example = "services: {http: {command: [httpd, -f]}}",
                                .cost = Cost::see_below}),
      row<&NodeKeys::limits>("limits",
                             {.doc = "What its processes may use, together.",
                              .fallback = "",
                              .example = "limits: {memory: 128M, cpus: 0.5, pids: 64}",
                              .cost = Cost::see_below}),
      row<&NodeKeys::namespaces>("namespaces",
                                 {.doc = "Where its namespaces come from.",
                                  .fallback = "all private but `time` and `user`",
                                  .example = "namespaces: {ipc: host, net: node:web}",
                                  .cost = Cost::see_below}),
      row<&NodeKeys::clock>("clock", kClock),
      row<&NodeKeys::root>("root", kRoot),
      row<&NodeKeys::keep>("keep", kKeep),
      row<&NodeKeys::after>("after", kAfter),
  };
  return table;
}

const BlockText InterfaceKeys::kBlock{
    .name = "interface", .noun = "an interface", .doc = "An entry of a node's `interfaces`."};

std::span<const Row<InterfaceKeys>> InterfaceKeys::rows() {
  static const std::array table{
      row<&InterfaceKeys::subnet>("subnet",
                                  {.doc = "The subnet that it attaches to. Every interface needs "
                                          "one, its own or inherited.",
                                   .fallback = "",
                                   .example = "subnet: back"}),
      row<&InterfaceKeys::address>("address",
                                   {.doc = "One address or a list, of the subnet; with or without "
                                           "its prefix length.",
                                    .fallback = "the next free one of each family of the subnet",
                                    .example = "address: 10.10.2.10"}),
      row<&InterfaceKeys::mac>("mac",
                               {.doc = "Its hardware address.",
                                .fallback = "derived from the names of lab, node and interface",
                                .example = "mac: 02:00:00:00:02:10"}),
      row<&InterfaceKeys::mtu>("mtu",
                               {.doc = "The largest packet in bytes; not more than the subnet's.",
                                .fallback = "the subnet's",
                                .example = "mtu: 1280"}),
      row<&InterfaceKeys::ipv6>("ipv6",
                                {.doc = "Whether it has an IPv6 link-local address: `none` or "
                                        "`link-local`.",
                                 .fallback = "as the subnet says",
                                 .example = "ipv6: link-local"}),
  };
  return table;
}

const BlockText RouteKeys::kBlock{
    .name = "route", .noun = "a route", .doc = "An item of a node's `routes`.", .inherits = false};

std::span<const Row<RouteKeys>> RouteKeys::rows() {
  static const std::array table{
      row<&RouteKeys::to>("to",
                          {.doc = "`default`, a network, or one address.",
                           .fallback = "",
                           .example = "to: 192.168.0.0/16",
                           .required = true}),
      row<&RouteKeys::via>("via",
                           {.doc = "The next hop: an address on one of the node's networks, or a "
                                   "link-local one together with `dev`.",
                            .fallback = "",
                            .example = "via: 10.10.1.254"}),
      row<&RouteKeys::dev>("dev",
                           {.doc = "The interface that packets leave by.",
                            .fallback = "the one whose network has the next hop",
                            .example = "dev: eth1"}),
      row<&RouteKeys::metric>("metric",
                              {.doc = "Of two routes to one place the lower metric counts.",
                               .fallback = "0",
                               .example = "metric: 100"}),
      row<&RouteKeys::type>("type",
                            {.doc = "`unicast`, or how packets are refused: `blackhole` in "
                                    "silence, `unreachable` and `prohibit` with an answer.",
                             .fallback = "unicast",
                             .example = "type: blackhole"}),
  };
  return table;
}

const BlockText LimitKeys::kBlock{
    .name = "limits",
    .noun = "'limits'",
    .doc =
        "A node's `limits`. Changed while the node runs. `none` lifts a limit that it has by "
        "default, or by `defaults` and `groups`."};

std::span<const Row<LimitKeys>> LimitKeys::rows() {
  static const std::array table{
      row<&LimitKeys::memory>("memory",
                              {.doc = "Memory; who needs more is killed, and `status` shows it.",
                               .fallback = "",
                               .example = "memory: 128M"}),
      row<&LimitKeys::swap>("swap",
                            {.doc = "Swap beyond the memory, which has to be limited too; `0M` "
                                    "for none.",
                             .fallback = "",
                             .example = "swap: 64M"}),
      row<&LimitKeys::cpus>(
          "cpus",
          {.doc = "CPUs at the most, to three decimals.", .fallback = "", .example = "cpus: 0.5"}),
      row<&LimitKeys::cpu_weight>("cpu_weight",
                                  {.doc = "Its share where CPUs are scarce; 100 is usual.",
                                   .fallback = "",
                                   .example = "cpu_weight: 50"}),
      row<&LimitKeys::cpuset>(
          "cpuset",
          {.doc = "The CPUs that it may run on.", .fallback = "", .example = "cpuset: \"0-1,3\""}),
      row<&LimitKeys::pids>("pids",
                            {.doc = "Processes and threads, the node's init included. A host "
                                    "that cannot limit them has the default for none.",
                             .fallback = "4096",
                             .example = "pids: 64"}),
      row<&LimitKeys::ptys>("ptys",
                            {.doc = "Terminals that are open at a time, those of `exec` and "
                                    "`shell` included.",
                             .fallback = "64",
                             .example = "ptys: 8"}),
      row<&LimitKeys::tmp>("tmp",
                           {.doc = "What its /tmp may hold, in memory: a size, or a part of the "
                                   "host's memory. Files count as 8K each at the least.",
                            .fallback = "10%",
                            .example = "tmp: 64M"}),
      row<&LimitKeys::run>(
          "run", {.doc = "The same of its /run.", .fallback = "10%", .example = "run: 5%"}),
      row<&LimitKeys::shm>(
          "shm", {.doc = "The same of its /dev/shm.", .fallback = "64M", .example = "shm: 1G"}),
  };
  return table;
}

const BlockText NamespaceKeys::kBlock{
    .name = "namespaces",
    .noun = "'namespaces'",
    .doc =
        "A node's `namespaces`: each `private`, `host`, or `node:NAME` to share another node's, "
        "as the containers of a pod do."};

std::span<const Row<NamespaceKeys>> NamespaceKeys::rows() {
  using K = NamespaceKeys;
  constexpr auto text = [](std::string_view doc, std::string_view example, bool shared = false) {
    return FieldText{.doc = doc,
                     .fallback = shared ? "host" : "private",
                     .example = example,
                     .cost = Cost::node_restart};
  };
  static const std::array table{
      row<&K::cgroup>("cgroup", text("Its view of the cgroup tree.", "cgroup: host")),
      row<&K::ipc>("ipc", text("System V IPC and POSIX message queues.", "ipc: node:web")),
      row<&K::net>("net",
                   text("Interfaces, addresses, routes, ports. A node that shares them has no "
                        "`interfaces`, `routes`, links and net.* `sysctls` of its own.",
                        "net: node:web")),
      row<&K::mnt>("mnt",
                   text("The mount table. A node that shares it has no `root`, `mounts` and "
                        "`files` of its own.",
                        "mnt: node:web")),
      row<&K::pid>("pid", text("Process ids.", "pid: node:web")),
      row<&K::time>("time", text("The monotonic and the boot clock.", "time: private", true)),
      row<&K::user>("user",
                    text("User ids. `private`: root of the node is an unprivileged id outside. "
                         "Such a node shares namespaces only with nodes in its own.",
                         "user: private",
                         true)),
      row<&K::uts>("uts",
                   text("The host name. A node that shares it has no `hostname`.", "uts: host")),
  };
  return table;
}

const Setting<Scalar<Namespace>>& NamespaceKeys::of(resource::NsType type) const {
  switch (type) {
    case resource::NsType::cgroup:
      return cgroup;
    case resource::NsType::ipc:
      return ipc;
    case resource::NsType::net:
      return net;
    case resource::NsType::mnt:
      return mnt;
    case resource::NsType::pid:
      return pid;
    case resource::NsType::time:
      return time;
    case resource::NsType::user:
      return user;
    case resource::NsType::uts:
      break;
  }
  return uts;
}

const BlockText ClockKeys::kBlock{.name = "clock", .noun = "'clock'", .doc = "A node's `clock`."};

std::span<const Row<ClockKeys>> ClockKeys::rows() {
  static const std::array table{
      row<&ClockKeys::monotonic>("monotonic",
                                 {.doc = "Added to the monotonic clock.",
                                  .fallback = "0s",
                                  .example = "monotonic: 1h",
                                  .cost = Cost::node_restart}),
      row<&ClockKeys::boottime>("boottime",
                                {.doc = "Added to the boot clock, which `uptime` shows.",
                                 .fallback = "0s",
                                 .example = "boottime: 7d",
                                 .cost = Cost::node_restart}),
  };
  return table;
}

}  // namespace nslab::topology
