// User namespaces, and network namespaces owned by them (netns.h). A thread that
// enters a user namespace cannot come back, so a child goes instead and stands
// still while its parent takes what it has made.
#include <fcntl.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "kernel/netns.h"

namespace nslab::kernel {

namespace {

// A child that ran some code and now waits for the end of this object.
class StandingChild {
 public:
  // `prepare` runs in the child and returns 0 or an errno. Like all code between
  // fork and exec of a program with threads, it allocates nothing.
  template <typename Prepare>
  static Result<StandingChild> start(const std::string& what, Prepare prepare) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0) {
      return kernel_error(what, errno);
    }
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) {
      return kernel_error(what, errno);
    }
    if (pid == 0) {
      ours.reset();
      stand(theirs.get(), prepare());
    }
    theirs.reset();
    StandingChild child(pid, std::move(ours));
    if (const int os_error = child.answer(); os_error != 0) {
      return kernel_error(what, os_error);
    }
    return child;
  }

  ~StandingChild() {
    if (!channel_.valid()) {
      return;
    }
    channel_.reset();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  StandingChild(StandingChild&&) noexcept = default;
  StandingChild& operator=(StandingChild&&) = delete;
  StandingChild(const StandingChild&) = delete;
  StandingChild& operator=(const StandingChild&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  StandingChild(pid_t pid, UniqueFd channel) : pid_(pid), channel_(std::move(channel)) {}

  // The whole life of the child. Its parent's end closes also when that dies.
  [[noreturn]] static void stand(int channel, int os_error) {
    char nothing = 0;
    if (::write(channel, &os_error, sizeof os_error) == sizeof os_error) {
      while (::read(channel, &nothing, 1) < 0 && errno == EINTR) {
      }
    }
    ::_exit(0);
  }

  [[nodiscard]] int answer() const {
    int os_error = 0;
    ssize_t size = 0;
    do {
      size = ::read(channel_.get(), &os_error, sizeof os_error);
    } while (size < 0 && errno == EINTR);
    return size == sizeof os_error ? os_error : ECHILD;
  }

  pid_t pid_;
  UniqueFd channel_;
};

Result<void> write_map(pid_t pid, std::string_view file, const std::string& map) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + std::string{file};
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() ||
      ::write(fd.get(), map.data(), map.size()) != static_cast<ssize_t>(map.size())) {
    return kernel_error("writing the id map of a user namespace", errno);
  }
  return {};
}

// In a child. The user that makes a user namespace owns it. Capabilities are kept on the way:
// some hosts let only root make one. System calls, as glibc would change all threads.
int unshare_as(std::uint32_t user) {
  if (::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0) {
    (void)::syscall(SYS_setresuid, user, user, user);  // otherwise it is root's
  }
  return ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
}

}  // namespace

Result<UniqueFd> create_userns(std::uint32_t first_id, std::uint32_t count) {
  NSLAB_ASSIGN(child, StandingChild::start("creating a user namespace", [first_id] {
                 return unshare_as(first_id);
               }));
  const std::string map = "0 " + std::to_string(first_id) + " " + std::to_string(count);
  NSLAB_TRY(write_map(child.pid(), "uid_map", map));
  NSLAB_TRY(write_map(child.pid(), "gid_map", map));
  return open_namespace(child.pid(), Namespace::user);
}

Result<NetnsHandle> create_netns_in_userns(int userns_fd) {
  NSLAB_ASSIGN(child, StandingChild::start("creating a network namespace", [userns_fd] {
                 const bool made =
                     ::setns(userns_fd, CLONE_NEWUSER) == 0 && ::unshare(CLONE_NEWNET) == 0;
                 return made ? 0 : errno;
               }));
  NSLAB_ASSIGN(ns, open_namespace(child.pid(), Namespace::net));
  NSLAB_ASSIGN(socket, open_socket_in(ns.get()));
  NSLAB_TRY(raise_loopback(socket));
  return NetnsHandle{std::move(ns), std::move(socket)};
}

}  // namespace nslab::kernel
