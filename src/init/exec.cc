#include "init/exec.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "base/enter_report.h"
#include "init/oom.h"

namespace nslab::init {
namespace {

constexpr int kFirstWord = 4;  // of the command

// Nobody is left to hear of a caller that is gone.
void tell(int channel, const EnterReport& report) {
  (void)::send(channel, &report, sizeof report, MSG_NOSIGNAL);
}

[[noreturn]] void fail(int channel, EnterReport::Kind kind, std::string_view what) {
  EnterReport failure{.kind = kind, .os_error = errno};
  what.copy(failure.what.data(), failure.what.size() - 1);
  tell(channel, failure);
  ::_exit(EXIT_FAILURE);
}

[[noreturn]] void execute(int channel, bool terminal, char** words) {
  if (terminal && (::setsid() < 0 || ::ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)) {
    fail(channel, EnterReport::Kind::failed, "taking the terminal of the node");
  }
  come_before_the_host();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execvp(words[0], words);
  fail(channel, EnterReport::Kind::not_executed, "");
}

}  // namespace

int exec_command(int argc, char** argv) {
  if (argc <= kFirstWord) {
    return EXIT_FAILURE;
  }
  const int channel = std::atoi(argv[2]);
  const bool terminal = std::string_view(argv[3]) == "terminal";
  (void)::fcntl(channel, F_SETFD, FD_CLOEXEC);
  // As fork(2), but the child is our parent's.
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
  if (pid == 0) {
    execute(channel, terminal, argv + kFirstWord);
  }
  if (pid < 0) {
    fail(channel, EnterReport::Kind::failed, "starting a process in the node");
  }
  tell(channel, {.kind = EnterReport::Kind::started, .pid = pid});
  return EXIT_SUCCESS;
}

}  // namespace nslab::init
