// What a lab file says, key by key, before names are resolved and defaults are
// filled in. One struct per block of keys; its rows are its field table.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "topology/grammar.h"
#include "topology/scalar.h"

namespace nslab::topology {

// A list of arguments, or a text for a shell.
struct Command {
  using Type = std::vector<std::string>;
  static std::optional<Type> read(Problems& problems, const Value& value, Subject subject);

  static void inherit(Type& /*into*/, const Type& /*base*/) {}

  static Shape shape();
};

struct SubnetKeys {
  static const BlockText kBlock;
  static std::span<const Row<SubnetKeys>> rows();

  Setting<OneOrMany<Scalar<Network>>> cidr;
  Setting<Scalar<Mtu>> mtu;
  Setting<Scalar<Ipv6Word>> ipv6;
  Setting<Scalar<Text>> gateway;  // the name of a node, or an address
};

struct InterfaceKeys {
  static const BlockText kBlock;
  static std::span<const Row<InterfaceKeys>> rows();

  Setting<Scalar<InterfaceName>> subnet;
  Setting<OneOrMany<Scalar<HostAddress>>> address;
  Setting<Scalar<Mac>> mac;
  Setting<Scalar<Mtu>> mtu;
  Setting<Scalar<Ipv6Word>> ipv6;
};

struct RouteKeys {
  static const BlockText kBlock;
  static std::span<const Row<RouteKeys>> rows();

  Setting<Scalar<Destination>> to;
  Setting<Scalar<Ip>> via;
  Setting<Scalar<InterfaceName>> dev;
  Setting<Scalar<Metric>> metric;
  Setting<Scalar<RouteTypeWord>> type;
};

struct FileKeys {
  static const BlockText kBlock;
  static std::span<const Row<FileKeys>> rows();

  Setting<Scalar<FileText>> content;
  Setting<Scalar<FileMode>> mode;
  Setting<Scalar<UserName>> owner;
};

struct DirectoryKeys {
  static const BlockText kBlock;
  static std::span<const Row<DirectoryKeys>> rows();

  Setting<Scalar<FileMode>> mode;
  Setting<Scalar<UserName>> owner;
};

struct MountKeys {
  static const BlockText kBlock;
  static std::span<const Row<MountKeys>> rows();

  Setting<Scalar<HostPath>> bind;
  Setting<Scalar<Flag>> read_only;
  Setting<Scalar<MemorySize>> tmpfs;
  Setting<Scalar<FileMode>> mode;
  Setting<Scalar<UserName>> owner;
};

struct ReadyKeys {
  static const BlockText kBlock;
  static std::span<const Row<ReadyKeys>> rows();

  Setting<Scalar<PortNumber>> tcp;
  Setting<Command> exec;
  Setting<Scalar<NodePath>> file;
  Setting<Scalar<PortNumber>> http;
  Setting<Scalar<UrlPath>> path;
  Setting<Scalar<Duration>> interval;
  Setting<Scalar<Duration>> timeout;
};

struct StopKeys {
  static const BlockText kBlock;
  static std::span<const Row<StopKeys>> rows();

  Setting<Scalar<SignalWord>> signal;
  Setting<Scalar<Duration>> timeout;
};

struct ServiceKeys {
  static const BlockText kBlock;
  static std::span<const Row<ServiceKeys>> rows();

  Setting<Command> command;
  Setting<TableOf<VariableName, Scalar<Text>>> environment;
  Setting<Scalar<NodeDirectory>> directory;
  Setting<Scalar<UserName>> user;
  Setting<Scalar<Flag>> once;
  Setting<Block<ReadyKeys>> ready;
  Setting<Scalar<RestartWord>> restart;
  Setting<ListOf<Scalar<Name>>> after;
  Setting<Block<StopKeys>> stop;
};

struct LimitKeys {
  static const BlockText kBlock;
  static std::span<const Row<LimitKeys>> rows();

  Setting<OrNone<Scalar<MemorySize>>> memory;
  Setting<Scalar<Size>> swap;
  Setting<OrNone<Scalar<Cpus>>> cpus;
  Setting<Scalar<CpuWeight>> cpu_weight;
  Setting<Scalar<CpuSet>> cpuset;
  Setting<OrNone<Scalar<PidLimit>>> pids;
  Setting<OrNone<Scalar<PtyLimit>>> ptys;
  Setting<OrNone<Scalar<Share>>> tmp;
  Setting<OrNone<Scalar<Share>>> run;
  Setting<OrNone<Scalar<Share>>> shm;
};

struct LabLimitKeys {
  static const BlockText kBlock;
  static std::span<const Row<LabLimitKeys>> rows();

  Setting<OrNone<Scalar<Share>>> layers;
};

struct NamespaceKeys {
  static const BlockText kBlock;
  static std::span<const Row<NamespaceKeys>> rows();

  Setting<Scalar<Namespace>> cgroup;
  Setting<Scalar<Namespace>> ipc;
  Setting<Scalar<Namespace>> net;
  Setting<Scalar<Namespace>> mnt;
  Setting<Scalar<Namespace>> pid;
  Setting<Scalar<Namespace>> time;
  Setting<Scalar<Namespace>> user;
  Setting<Scalar<Namespace>> uts;

  [[nodiscard]] const Setting<Scalar<Namespace>>& of(resource::NsType type) const;
};

struct ClockKeys {
  static const BlockText kBlock;
  static std::span<const Row<ClockKeys>> rows();

  Setting<Scalar<ClockOffset>> monotonic;
  Setting<Scalar<ClockOffset>> boottime;
};

using Interfaces = TableOf<InterfaceName, ShortBlock<InterfaceKeys, &InterfaceKeys::subnet>>;
using Environment = TableOf<VariableName, Scalar<Text>>;
using Files = TableOf<NodePath, ShortBlock<FileKeys, &FileKeys::content>>;
using Directories = TableOf<NodePath, OptionalBlock<DirectoryKeys>>;
using Mounts = TableOf<NodePath, ShortBlock<MountKeys, &MountKeys::bind>>;

struct NodeKeys {
  static const BlockText kBlock;
  static std::span<const Row<NodeKeys>> rows();

  Setting<OneOrMany<Scalar<Name>>> groups;
  Setting<Scalar<HostName>> hostname;
  Setting<Scalar<RoleWord>> role;
  Setting<Interfaces> interfaces;
  Setting<ListOf<Block<RouteKeys>>> routes;
  Setting<TableOf<SysctlName, Scalar<Text>>> sysctls;
  Setting<Environment> environment;
  Setting<Directories> directories;
  Setting<Files> files;
  Setting<Mounts> mounts;
  Setting<ListOf<Command>> setup;
  Setting<TableOf<Name, Block<ServiceKeys>>> services;
  Setting<Block<LimitKeys>> limits;
  Setting<Block<NamespaceKeys>> namespaces;
  Setting<Block<ClockKeys>> clock;
  Setting<Scalar<Root>> root;
  Setting<Scalar<Flag>> keep;
  Setting<TableOf<Name, Scalar<MilestoneWord>>> after;
};

struct EndKeys {
  static const BlockText kBlock;
  static std::span<const Row<EndKeys>> rows();

  Setting<Scalar<End>> interface;
  Setting<OneOrMany<Scalar<HostAddress>>> address;
  Setting<Scalar<Mac>> mac;
};

// The two ends of a link: a list, or "web:eth2 -- db:eth1".
struct Ends {
  using Type = std::vector<Located<EndKeys>>;  // two, or fewer when one was refused
  using Each = ShortBlock<EndKeys, &EndKeys::interface>;
  static std::optional<Type> read(Problems& problems, const Value& value, Subject subject);

  static void inherit(Type& /*into*/, const Type& /*base*/) {}

  static Shape shape();
};

struct LinkKeys {
  static const BlockText kBlock;
  static std::span<const Row<LinkKeys>> rows();

  Setting<Ends> ends;
  Setting<OneOrMany<Scalar<Network>>> subnet;
  Setting<Scalar<Mtu>> mtu;
  Setting<Scalar<Ipv6Word>> ipv6;
};

inline constexpr std::size_t kMaxNodes = 10'000;
inline constexpr std::size_t kMaxSubnets = 10'000;
inline constexpr std::size_t kMaxLinks = 50'000;

struct LabKeys {
  static const BlockText kBlock;
  static std::span<const Row<LabKeys>> rows();

  Setting<Scalar<LabName>> name;
  Setting<Scalar<Text>> description;
  Setting<TableOf<InterfaceName, ShortBlock<SubnetKeys, &SubnetKeys::cidr>, kMaxSubnets>> subnets;
  Setting<TableOf<Name, OptionalBlock<NodeKeys>, kMaxNodes>> nodes;
  Setting<ListOf<ShortBlock<LinkKeys, &LinkKeys::ends>, kMaxLinks>> links;
  Setting<Block<LabLimitKeys>> limits;
  Setting<OptionalBlock<NodeKeys>> defaults;
  Setting<TableOf<Name, OptionalBlock<NodeKeys>>> groups;
};

// The whole file, with `defaults` and `groups` already in every node.
LabKeys read_lab_file(Problems& problems, const Document& document);

}  // namespace nslab::topology
