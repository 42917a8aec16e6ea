#include "kernel/entering.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/inherited.h"
#include "base/text.h"
#include "kernel/pty.h"

namespace nslab::kernel::entering {

namespace {

Result<void> join_cgroups(const std::vector<std::string>& procs_files) {
  for (const std::string& file : procs_files) {
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.valid() || ::write(fd.get(), "0", 1) < 0) {
      return kernel_error("joining the cgroup of " + quote(file), errno);
    }
  }
  return {};
}

// The caller's session keyring, which processes hand down, may hold its passwords.
Result<void> leave_keys() {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS &&
      errno != EPERM) {  // without the system call, or kept from it, nobody reads keys
    return kernel_error("leaving the session keyring", errno);
  }
  return {};
}

// Root of the user namespace, instead of a user that it does not know.
Result<void> become_root() {
  if (::setgroups(0, nullptr) < 0 || ::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0) {
    return kernel_error("becoming root of the node", errno);
  }
  return {};
}

// What execve(2) gives root is cut to the bounding set.
Result<void> bound_capabilities(std::uint64_t keep) {
  for (unsigned capability = 0; capability < 64; ++capability) {
    if ((keep >> capability & 1U) != 0) {
      continue;
    }
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL) {
      return kernel_error("dropping capabilities", errno);
    }
  }
  return {};
}

Result<void> enter(const Plan& plan) {
  begin_as_ever();
  NSLAB_TRY(join_cgroups(plan.target.cgroup_procs));
  NSLAB_TRY(leave_keys());
  if (plan.namespaces != 0 && ::setns(plan.target.pidfd, plan.namespaces) < 0) {
    return kernel_error("entering the node's namespaces", errno);
  }
  if ((plan.namespaces & CLONE_NEWUSER) != 0) {
    NSLAB_TRY(become_root());
  }
  NSLAB_TRY(bound_capabilities(plan.capabilities));
  if (::chdir(plan.command.directory.c_str()) < 0) {
    return kernel_error("changing to directory " + quote(plan.command.directory), errno);
  }
  return {};
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

void fail(int channel, const Error& error) {
  EnterReport report{.kind = EnterReport::Kind::failed, .os_error = error.os_error};
  const std::size_t size = std::min(error.message.size(), report.what.size() - 1);
  std::copy_n(error.message.begin(), size, report.what.begin());
  send_report(channel, report);
}

// Dispositions that were ignored stay so over execve(2), unlike handlers; and so does what is
// blocked.
void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    (void)::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Of what is open here the program gets the standard streams and the channel. A standard
// error that the user sent elsewhere is not the terminal's.
Result<void> arrange_descriptors(int channel, const UniqueFd& slave) {
  if (slave.valid()) {
    const bool error_apart = !is_same_terminal(STDERR_FILENO, STDOUT_FILENO) &&
                             !is_same_terminal(STDERR_FILENO, STDIN_FILENO);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (fd == STDERR_FILENO && error_apart) {
        continue;
      }
      if (::dup2(slave.get(), fd) < 0) {
        return kernel_error("taking the terminal of the node", errno);
      }
    }
  }
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ||
      ::fcntl(channel, F_SETFD, 0) < 0) {
    return kernel_error("arranging descriptors", errno);
  }
  return {};
}

// See init/exec.h.
Result<void> become_program(const Plan& plan, int channel, bool terminal) {
  std::vector<std::string> words{
      "nslab-init", "exec", std::to_string(channel), terminal ? "terminal" : "streams"};
  words.insert(words.end(), plan.command.argv.begin(), plan.command.argv.end());
  auto variables = plan.command.environment;
  const auto argv = pointers_to(words);
  const auto environment = pointers_to(variables);
  reset_signals();
  (void)::fexecve(plan.target.program, argv.data(), environment.data());
  return kernel_error("starting a process in the node", errno);
}

Result<void> start(const Plan& plan, int channel) {
  NSLAB_TRY(enter(plan));
  Pty pty;
  if (plan.terminal == Terminal::pty) {
    NSLAB_ASSIGN(opened, open_pty());
    pty = std::move(opened);
    copy_terminal(STDIN_FILENO, pty.slave.get());
    send_report(channel, {.kind = EnterReport::Kind::terminal}, pty.master.get());
  }
  NSLAB_TRY(arrange_descriptors(channel, pty.slave));
  return become_program(plan, channel, pty.slave.valid());
}

}  // namespace

void send_report(int channel, const EnterReport& report, int fd) {
  iovec data{.iov_base = const_cast<EnterReport*>(&report), .iov_len = sizeof report};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
  msghdr message{.msg_iov = &data, .msg_iovlen = 1};
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  // Nobody is left to hear of a parent that is gone.
  (void)::sendmsg(channel, &message, MSG_NOSIGNAL);
}

Result<bool> receive_report(int channel, Received& received) {
  iovec data{.iov_base = &received.report, .iov_len = sizeof received.report};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{.msg_iov = &data,
                 .msg_iovlen = 1,
                 .msg_control = control.data(),
                 .msg_controllen = control.size()};
  ssize_t size = 0;
  do {
    size = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    return kernel_error("hearing from the process that enters the node", errno);
  }
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message);
      header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.fd.reset(fd);
  }
  return size == sizeof received.report;
}

void enter_and_become_program(const Plan& plan, int channel) {
  if (const auto started = start(plan, channel); !started) {
    fail(channel, started.error());
  }
  ::_exit(0);
}

}  // namespace nslab::kernel::entering
