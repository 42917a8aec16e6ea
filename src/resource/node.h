// A node: its init and namespaces.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "resource/field.h"
#include "resource/kind.h"

namespace nslab::resource {

// The eight kinds of namespaces, in the order of namespaces(7).
enum class NsType : std::uint8_t {
  cgroup,
  ipc,
  net,
  mnt,
  pid,
  time,
  user,
  uts,
};

inline constexpr std::array<std::string_view, 8> kNsTypeNames{
    "cgroup", "ipc", "net", "mnt", "pid", "time", "user", "uts"};

// Where a node's namespace of one kind comes from, as the lab file writes it:
// "private", "host" or "node:NAME".
struct NsChoice {
  enum class Mode : std::uint8_t {
    own,
    host,
    node,
  };
  Mode mode = Mode::own;
  std::string of;  // with Mode::node: the node that shares its own

  bool operator==(const NsChoice&) const = default;
};

inline const NsChoice kHostNs{.mode = NsChoice::Mode::host};

// A node: its init, the namespaces that live with it, and its root.
struct Node {
  static constexpr Kind kKind = Kind::node;
  std::string name;
  std::string hostname;
  // Whether the lab file says the host name: otherwise it is the node's own to change.
  bool says_hostname = false;
  std::array<NsChoice, kNsTypeNames.size()> namespaces{
      NsChoice{}, NsChoice{}, NsChoice{}, NsChoice{}, NsChoice{}, kHostNs, kHostNs, NsChoice{}};
  // "overlay": a writable layer over the host's root. "host": the host's root
  // itself. Otherwise the absolute path of the lower directory.
  std::string root = "overlay";
  std::chrono::seconds monotonic_offset{};  // with an own time namespace
  std::chrono::seconds boottime_offset{};
  std::vector<std::string> environment;  // "NAME=value", for exec and shell
  bool keep = true;                      // what it changed in its files, when it starts again
  // Where the host's file systems are others than those that its root was made of; never
  // wanted.
  std::string stale;
  // With a root of its own: what its file systems may hold, each a Share (share.h).
  std::string tmp;
  std::string run;
  std::string shm;
  std::optional<std::uint64_t> ptys;  // terminals at a time
  // What is wrong with a node that runs, so that it has to be made anew: it does not answer,
  // say. Nothing else of it can then be compared.
  std::string fault;

  [[nodiscard]] const NsChoice& ns(NsType type) const {
    return namespaces[static_cast<std::size_t>(type)];
  }

  NsChoice& ns(NsType type) { return namespaces[static_cast<std::size_t>(type)]; }

  static constexpr auto fields() {
    return std::tuple{field("name", &Node::name, Cost::replace),
                      field("hostname", &Node::hostname),
                      field("hostname-in-the-file", &Node::says_hostname),
                      field("namespaces", &Node::namespaces, Cost::replace),
                      field("root", &Node::root, Cost::replace),
                      field("monotonic", &Node::monotonic_offset, Cost::replace),
                      field("boottime", &Node::boottime_offset, Cost::replace),
                      field("environment", &Node::environment),
                      field("keep", &Node::keep),
                      field("host's file systems", &Node::stale, Cost::replace),
                      field("fault", &Node::fault, Cost::replace),
                      field("tmp", &Node::tmp),
                      field("run", &Node::run),
                      field("shm", &Node::shm),
                      field("ptys", &Node::ptys)};
  }

  bool operator==(const Node&) const = default;
};

}  // namespace nslab::resource
