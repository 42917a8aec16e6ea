// The lab itself, and what stands beside its nodes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "resource/field.h"
#include "resource/kind.h"

namespace nslab::resource {

// The lab's own directory, its tmpfs mounts and its cgroup. Everything else
// of the lab lives in it and goes with it.
struct Lab {
  static constexpr Kind kKind = Kind::lab;
  std::string name;
  bool whole = true;   // false where making it was cut short
  std::string layers;  // a Share (share.h): what all nodes' layers may hold, together

  static constexpr auto fields() {
    return std::tuple{field("name", &Lab::name, Cost::replace),
                      field("whole", &Lab::whole, Cost::replace),
                      field("layers", &Lab::layers)};
  }

  bool operator==(const Lab&) const = default;
};

// A file that every node with a root of its own sees until it writes its own
// copy: /etc/hosts and /etc/resolv.conf. One copy serves the whole lab, but for a node
// that has one of its own.
struct SharedFile {
  static constexpr Kind kKind = Kind::shared_file;
  std::string path;  // absolute, inside the node
  std::string content;
  std::string of{};  // the node that alone sees it; empty: all that have none of their own

  static constexpr auto fields() {
    return std::tuple{field("path", &SharedFile::path, Cost::replace),
                      field("of", &SharedFile::of, Cost::replace),
                      field("content", &SharedFile::content)};
  }

  bool operator==(const SharedFile&) const = default;
};

// A limit that every node has unless its file lifts it. Where a host cannot limit processes it
// stands for none, so that labs come up there as well.
inline constexpr std::uint64_t kDefaultPids = 4096;

// A node's cgroup. A limit without a value is no limit.
struct Cgroup {
  static constexpr Kind kKind = Kind::cgroup;
  std::string node;
  std::optional<std::uint64_t> memory;      // bytes
  std::optional<std::uint64_t> swap;        // bytes of swap, beyond memory
  std::optional<std::uint64_t> cpu_millis;  // thousandths of one CPU
  std::optional<std::uint64_t> cpu_weight;  // 1 to 10,000, as cgroup v2; 100 is usual
  std::string cpuset;                       // "0-1,3"; empty for every CPU
  std::optional<std::uint64_t> pids;
  // Whether the node's processes are in it, and so under its limits. They can be moved out.
  bool in_force = true;

  static constexpr auto fields() {
    return std::tuple{field("node", &Cgroup::node, Cost::replace),
                      field("memory", &Cgroup::memory),
                      field("swap", &Cgroup::swap),
                      field("cpu-millis", &Cgroup::cpu_millis),
                      field("cpu-weight", &Cgroup::cpu_weight),
                      field("cpuset", &Cgroup::cpuset),
                      field("pids", &Cgroup::pids),
                      field("in-force", &Cgroup::in_force)};
  }

  [[nodiscard]] bool limited() const {
    return memory || swap || cpu_millis || cpu_weight || !cpuset.empty() || pids;
  }

  bool operator==(const Cgroup&) const = default;
};

// A user namespace, of as many ids. Which of the host's stand behind them is the host's affair.
struct UserNs {
  static constexpr Kind kKind = Kind::userns;
  std::string node;
  std::uint32_t count = 65536;

  static constexpr auto fields() {
    return std::tuple{field("node", &UserNs::node, Cost::replace),
                      field("count", &UserNs::count, Cost::replace)};
  }

  bool operator==(const UserNs&) const = default;
};

}  // namespace nslab::resource
