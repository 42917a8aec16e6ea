// The main of the privileged tests: runs them in namespaces of their own, so that
// nothing reaches the host and the kernel cleans up after a test that crashed.
// The host's cgroup hierarchies stay visible.
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

namespace {

constexpr int kSkipped = 77;

int skip(const char* reason) {
  const char* must_run = std::getenv("NSLAB_TESTS_MUST_RUN");
  const bool failed = must_run != nullptr && std::strcmp(must_run, "1") == 0;
  std::fprintf(stderr, "%s: %s: %s\n", failed ? "failed" : "skipped", reason, std::strerror(errno));
  return failed ? EXIT_FAILURE : kSkipped;
}

bool set_up_mounts() {
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0 &&
         ::mount("nslab-tests", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0;
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// The sandbox's PID 1: reaps what the tests leave behind until they are done. The
// tests are a process of their own, since PID 1 is special to signals and to
// leak checkers.
int run_tests(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!set_up_mounts()) {
    return skip("the tests cannot mount");
  }
  const pid_t tests = ::fork();
  if (tests == 0) {
    return Catch::Session().run(argc, argv);
  }
  for (;;) {
    int status = 0;
    const pid_t ended = ::wait(&status);
    if (ended == tests) {
      return exit_status(status);
    }
    if (ended < 0 && errno != EINTR) {
      return EXIT_FAILURE;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) < 0) {
    return skip("the tests cannot have namespaces of their own");
  }
  const pid_t child = ::fork();
  if (child < 0) {
    return skip("the tests cannot have a PID namespace of their own");
  }
  if (child == 0) {
    return run_tests(argc, argv);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  // Without exit(): a leak checker would fork into the PID namespace, which is gone.
  ::_exit(exit_status(status));
}
