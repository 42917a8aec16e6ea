// What the functions of this module share while they work on one lab.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "host/control.h"
#include "host/host.h"
#include "host/interrupt.h"
#include "host/layout.h"
#include "kernel/address.h"
#include "kernel/cgroup.h"
#include "kernel/link.h"
#include "kernel/netlink.h"
#include "kernel/route.h"

namespace nslab::host {

class Spawner;

// A network namespace, and a netlink socket that works in it. An open one lives:
// who removes it lets go of it first.
struct OpenNetns {
  std::string name;
  UniqueFd ns;
  kernel::Socket socket;
  // Interfaces by name, as last listed; dropped when they change.
  std::map<std::string, kernel::LinkIndex, std::less<>> links{};
  // The number of the next interface in a namespace that this command has made and
  // nobody has been in: `links` is what there is. 0 where the kernel chooses.
  kernel::LinkIndex next = 0;
};

// What one network namespace holds.
struct NetnsContents {
  std::string netns;
  bool named = false;    // `ip netns` finds it
  bool present = false;  // otherwise there is only a name
  std::string userns;    // the node whose user namespace owns it; empty for the host's
  std::vector<kernel::Link> links;
  std::vector<kernel::Address> addresses;
  std::vector<kernel::Route> routes;
  std::vector<resource::Sysctl> sysctls;  // those that nslab has set
};

// What a node's init says of its node.
struct NodeAnswer {
  std::string node;
  pid_t init_pid = 0;           // 0: nobody listens, the node is down
  bool hangs = false;           // somebody listens, and does not answer
  std::vector<Packet> packets;  // of `status`, in init/protocol.h
};

struct Context {
  Context(Layout paths, kernel::CgroupTree tree, Interrupt asked);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Layout layout;
  kernel::CgroupTree cgroups;
  // Whether nodes can have their default number of processes at the most.
  bool limits_pids;
  // The network namespace that the command's threads are in.
  UniqueFd home;
  Interrupt interrupt;
  bool heeds_interrupts = true;
  // Started for the first node that a command makes; ends with the command.
  std::unique_ptr<Spawner> spawner;
  // The lab's network namespaces that this command works in, by their names.
  std::map<std::string, std::shared_ptr<OpenNetns>, std::less<>> open;
  // Nodes are made beside the network: both look into `open` and `memory`.
  std::mutex mutex;
  // For putting back what was begun when there is no more.
  std::unique_ptr<std::byte[]> memory;
  // Descriptors that the caller left open: they are taken from what is allowed.
  std::size_t inherited = 0;
  // The nodes whose cgroups this command has made.
  std::set<std::string, std::less<>> new_cgroups;
  // Those that this command has started again with the files that they had.
  std::set<std::string, std::less<>> kept;
  // Inodes of the network namespaces that were let go, and their names: settle()
  // names what still holds one of them.
  std::map<std::uint64_t, std::string> released;

  // What observe() reads of interfaces, for inspect().
  kernel::Counters counters = kernel::Counters::none;
  // What observe() last read: inspect() tells of the same moment.
  std::vector<NodeAnswer> answers;
  std::vector<NetnsContents> contents;

  static constexpr std::chrono::seconds kPatience{10};

  // After a failure a socket may be in the middle of an answer, and what comes next
  // from it is not what was asked: what is needed is opened anew.
  std::atomic<bool> distrusted = false;
  void close_distrusted();

  // A reply that an init takes its time for: until the deadline, or the user interrupts.
  Result<Packet> await(Control& control, std::chrono::steady_clock::time_point deadline) const;

  [[nodiscard]] bool interrupted() const { return heeds_interrupts && interrupt.asked(); }

  // How many descriptors the command may have.
  [[nodiscard]] std::size_t descriptors() const;

  // How many things of so many descriptors each may be open side by side: `most`,
  // or fewer where descriptors are few. What is done then takes more turns.
  [[nodiscard]] std::size_t at_once(std::size_t most, std::size_t descriptors_each) const;

  [[nodiscard]] std::chrono::steady_clock::time_point deadline() const {
    return std::chrono::steady_clock::now() + kPatience;
  }
};

// The lab's network namespace of that name, opened once for a command where there is room
// to keep it: by its name, or, where the name was taken away by hand, through its
// node's init.
Result<std::shared_ptr<OpenNetns>> open_netns(Context& context, std::string_view netns);

// The same for a look, after which one that was not open is closed. Null where there
// is only a name: a file without its namespace, and no process in it.
Result<std::shared_ptr<OpenNetns>> find_open(const Context& context, std::string_view netns);

// Keeps one that the caller has opened, where there is room for it; null is none.
void keep_open(Context& context, std::shared_ptr<OpenNetns> netns);

// Starts the spawner where there is none yet.
Result<void> ensure_spawner(Context& context);

// Before the namespace is to end, or when another takes its name.
void let_go(Context& context, std::string_view netns);

template <typename T>
struct ChangeOf {
  const T* before;
  const T* after;
};

// Runs act(object), or act(before, after), for each of a batch, and stops at the
// first failure.
template <typename Object, typename Act>
Outcome each(std::span<const Object* const> batch, Act act) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (Result<void> done = act(*batch[i]); !done) {
      return Failure{i, std::move(done).error()};
    }
  }
  return {};
}

template <typename Object, typename Act>
Outcome each(std::span<const ChangeOf<Object>> batch, Act act) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (Result<void> done = act(*batch[i].before, *batch[i].after); !done) {
      return Failure{i, std::move(done).error()};
    }
  }
  return {};
}

// A cgroup's limits as the kernel layer takes them: on this host, which may not be able to
// keep the default number of processes.
kernel::Limits limits_of(const Context& context, const resource::Cgroup& spec);

// The first failure of a batch of netlink messages whose tags are indices.
Outcome first_failure(std::vector<kernel::Failure> failures);

}  // namespace nslab::host
