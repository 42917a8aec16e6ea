// Namespaces as file descriptors, and network namespaces in particular: making
// them, working in them, and knowing when they are gone.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/netlink.h"

namespace nslab::kernel {

// The values are the flags of clone(2) and setns(2).
enum class Namespace : int {
  cgroup = CLONE_NEWCGROUP,
  ipc = CLONE_NEWIPC,
  mnt = CLONE_NEWNS,
  net = CLONE_NEWNET,
  pid = CLONE_NEWPID,
  time = 0x80,  // CLONE_NEWTIME
  user = CLONE_NEWUSER,
  uts = CLONE_NEWUTS,
};

inline constexpr std::array kAllNamespaces{Namespace::cgroup,
                                           Namespace::ipc,
                                           Namespace::mnt,
                                           Namespace::net,
                                           Namespace::pid,
                                           Namespace::time,
                                           Namespace::user,
                                           Namespace::uts};

// The name below /proc/PID/ns.
std::string_view name_of(Namespace type);

// A namespace of another process, or of the calling thread.
Result<UniqueFd> open_namespace(pid_t pid, Namespace type);
Result<UniqueFd> current_namespace(Namespace type);

// Opens a namespace by a name in the file system, as `ip netns` makes them.
// Anything that is no namespace of that type is an error.
Result<UniqueFd> open_namespace_file(const std::string& path, Namespace type);

// Tells namespaces of one boot apart while they exist: the inode number, which
// the kernel gives to another namespace as soon as this one is gone.
Result<std::uint64_t> namespace_inode(int ns_fd);
// The same of the user namespace that owns the namespace.
Result<std::uint64_t> owner_inode(int ns_fd);

// A network namespace's number that no other of this boot ever has
// (SO_NETNS_COOKIE).
Result<std::uint64_t> netns_cookie(int netns_fd);

// The calling thread is in another namespace while this lives. The way back
// cannot fail for a reason that a program could survive: going on in the wrong
// namespace would change somebody else's network, so it aborts instead.
class [[nodiscard]] NamespaceScope {
 public:
  static constexpr int kFindHome = -1;

  // Network, IPC or UTS: the types that a thread can enter and leave at will. `home` is
  // where it is, borrowed; kFindHome opens that.
  static Result<NamespaceScope> enter(int ns_fd, Namespace type, int home = kFindHome);

  // A new network namespace, which ends with the scope unless somebody opens it.
  static Result<NamespaceScope> enter_new_netns(int home = kFindHome);

  ~NamespaceScope();

  NamespaceScope(NamespaceScope&& other) noexcept
      : found_(std::move(other.found_)),
        home_(std::exchange(other.home_, kFindHome)),
        type_(other.type_) {}

  NamespaceScope& operator=(NamespaceScope&&) = delete;
  NamespaceScope(const NamespaceScope&) = delete;
  NamespaceScope& operator=(const NamespaceScope&) = delete;

 private:
  explicit NamespaceScope(Namespace type) : type_(type) {}

  Result<void> know_home(int home);

  UniqueFd found_;
  int home_ = kFindHome;  // set when the thread has left it
  Namespace type_;
};

// Runs `function`, which returns a Result, in a network namespace.
template <typename Function>
std::invoke_result_t<Function> in_netns(int netns_fd,
                                        Function function,
                                        int home = NamespaceScope::kFindHome) {
  NSLAB_ASSIGN(scope, NamespaceScope::enter(netns_fd, Namespace::net, home));
  return function();
}

// A netlink socket that works in that namespace. `home`: see NamespaceScope::enter().
Result<Socket> open_socket_in(int netns_fd, int home = NamespaceScope::kFindHome);

// A network namespace, and a netlink socket that works in it. It lives as long as one
// of the two, or a bind mount or process that uses it.
struct NetnsHandle {
  UniqueFd ns;
  Socket socket;
};

// A fresh one with its loopback up.
Result<NetnsHandle> create_netns(int home = NamespaceScope::kFindHome);

// The same, owned by a user namespace: root there may configure it.
Result<NetnsHandle> create_netns_in_userns(int userns_fd);

// A fresh user namespace in which ids 0 to count-1 are first_id onwards outside. It belongs to
// the first of these: what the kernel counts by user, such as inotify instances and namespaces
// inside, counts against that user's share and not against root's.
Result<UniqueFd> create_userns(std::uint32_t first_id, std::uint32_t count);

Result<void> raise_loopback(Socket& socket);

// Returns when every network namespace that lost its last reference before the
// call is gone, with its interfaces. The kernel dismantles them one batch after
// the other, so one of our own that is released now goes last. ETIMEDOUT when
// the deadline passes first.
Result<void> wait_until_released(std::chrono::steady_clock::time_point deadline);

}  // namespace nslab::kernel
