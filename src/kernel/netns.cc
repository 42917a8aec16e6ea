#include "kernel/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "kernel/link.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

namespace nslab::kernel {

namespace {

Result<UniqueFd> open_read_only(const std::string& path, const std::string& what) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return kernel_error(what, errno);
  }
  return fd;
}

}  // namespace

std::string_view name_of(Namespace type) {
  switch (type) {
    case Namespace::cgroup:
      return "cgroup";
    case Namespace::ipc:
      return "ipc";
    case Namespace::mnt:
      return "mnt";
    case Namespace::net:
      return "net";
    case Namespace::pid:
      return "pid";
    case Namespace::time:
      return "time";
    case Namespace::user:
      return "user";
    case Namespace::uts:
      return "uts";
  }
  return "unknown";
}

Result<UniqueFd> open_namespace(pid_t pid, Namespace type) {
  const std::string name{name_of(type)};
  return open_read_only("/proc/" + std::to_string(pid) + "/ns/" + name,
                        "opening the " + name + " namespace of process " + std::to_string(pid));
}

Result<UniqueFd> current_namespace(Namespace type) {
  const std::string name{name_of(type)};
  return open_read_only("/proc/thread-self/ns/" + name, "opening our own " + name + " namespace");
}

Result<UniqueFd> open_namespace_file(const std::string& path, Namespace type) {
  NSLAB_ASSIGN(fd, open_read_only(path, "opening namespace " + quote(path)));
  if (::ioctl(fd.get(), NS_GET_NSTYPE) != static_cast<int>(type)) {
    return Error{.kind = ErrorKind::conflict,
                 .message = quote(path) + " is not a " + std::string{name_of(type)} + " namespace"};
  }
  return fd;
}

Result<std::uint64_t> namespace_inode(int ns_fd) {
  struct stat status {};

  if (::fstat(ns_fd, &status) < 0) {
    return kernel_error("reading the number of a namespace", errno);
  }
  return std::uint64_t{status.st_ino};
}

Result<std::uint64_t> owner_inode(int ns_fd) {
  const UniqueFd owner(::ioctl(ns_fd, NS_GET_USERNS));
  return owner.valid() ? namespace_inode(owner.get())
                       : kernel_error("asking for the owner of a namespace", errno);
}

Result<std::uint64_t> netns_cookie(int netns_fd) {
  return in_netns(netns_fd, []() -> Result<std::uint64_t> {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (!socket.valid() ||
        ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0) {
      return kernel_error("reading the cookie of a network namespace", errno);
    }
    return cookie;
  });
}

Result<void> NamespaceScope::know_home(int home) {
  if (home == kFindHome) {
    NSLAB_ASSIGN(found, current_namespace(type_));
    found_ = std::move(found);
    home = found_.get();
  }
  home_ = home;
  return {};
}

Result<NamespaceScope> NamespaceScope::enter(int ns_fd, Namespace type, int home) {
  NamespaceScope scope(type);
  NSLAB_TRY(scope.know_home(home));
  if (::setns(ns_fd, static_cast<int>(type)) < 0) {
    const int error = errno;
    scope.home_ = kFindHome;
    return kernel_error("entering a " + std::string{name_of(type)} + " namespace", error);
  }
  return scope;
}

Result<NamespaceScope> NamespaceScope::enter_new_netns(int home) {
  NamespaceScope scope(Namespace::net);
  NSLAB_TRY(scope.know_home(home));
  if (::unshare(CLONE_NEWNET) < 0) {
    const int error = errno;
    scope.home_ = kFindHome;
    return kernel_error("creating a network namespace", error);
  }
  return scope;
}

NamespaceScope::~NamespaceScope() {
  // Without memory for a moment, perhaps. Whatever was done next would be done in
  // the wrong namespace, so that there is no going on without it.
  constexpr int kAttempts = 100;
  for (int attempt = 1; home_ != kFindHome; ++attempt) {
    if (::setns(home_, static_cast<int>(type_)) == 0) {
      return;
    }
    if (attempt == kAttempts) {
      std::perror("nslab: cannot return to its own namespace");
      std::abort();
    }
    (void)::sched_yield();
  }
}

Result<Socket> open_socket_in(int netns_fd, int home) {
  return in_netns(
      netns_fd, [] { return Socket::open(); }, home);
}

Result<NetnsHandle> create_netns(int home) {
  NSLAB_ASSIGN(scope, NamespaceScope::enter_new_netns(home));
  NSLAB_ASSIGN(ns, current_namespace(Namespace::net));
  NSLAB_ASSIGN(socket, Socket::open());
  NSLAB_TRY(raise_loopback(socket));
  return NetnsHandle{std::move(ns), std::move(socket)};
}

Result<void> raise_loopback(Socket& socket) {
  Batch batch;
  append_link_settings(batch, 0, kLoopback, {.up = true});
  auto failures = socket.execute(batch);
  return failures.empty() ? Result<void>() : std::move(failures.front().error);
}

}  // namespace nslab::kernel
