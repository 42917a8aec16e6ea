#include "kernel/enter.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "host/init_program.h"
#include "kernel/netns.h"
#include "kernel/pty.h"
#include "support/sandbox/child.h"
#include "support/sandbox/net.h"

using namespace nslab;
using namespace nslab::kernel;
using nslab::test::Child;
using nslab::test::error_of;
using nslab::test::require;

namespace {

constexpr int kNodeNamespaces =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;

bool set_up_node() {
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("proc", "/proc", "proc", 0, nullptr) == 0 &&
         ::mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666") == 0 &&
         ::mount("/dev/pts/ptmx", "/dev/ptmx", nullptr, MS_BIND, nullptr) == 0 &&
         ::sethostname("web-01", 6) == 0 && ::prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0) == 0;
}

// PID 1 of namespaces of its own, as a node's init is.
class Node {
 public:
  Node() {
    std::array<int, 2> ready{};
    REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
    pid_ = static_cast<pid_t>(::syscall(SYS_clone, kNodeNamespaces | SIGCHLD, 0, 0, 0, 0));
    if (pid_ == 0) {
      const char result = set_up_node() ? 'y' : 'n';
      (void)!::write(ready[1], &result, 1);
      for (;;) {
        ::pause();
      }
    }
    char result = 0;
    REQUIRE(pid_ > 0);
    REQUIRE(::read(ready[0], &result, 1) == 1);
    REQUIRE(result == 'y');
    ::close(ready[0]);
    ::close(ready[1]);
    pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }

  ~Node() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] Target target() const {
    return {.pidfd = pidfd_.get(), .pid = pid_, .program = program_.get()};
  }

  Result<Exit> run(std::vector<std::string> argv, std::string directory = "/") {
    return run_inside(target(),
                      {.argv = std::move(argv),
                       .environment = {"PATH=/usr/bin:/bin", "PLACE=node"},
                       .directory = std::move(directory)},
                      Terminal::none);
  }

  // What a shell in the node prints; its exit status is 0.
  std::string output_of(const std::string& script) {
    const std::string file = "/run/output";
    const Exit exit = require(run({"sh", "-c", "exec >" + file + "; " + script}));
    CHECK(exit.status == 0);
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd program_ = require(host::init_program());
};

}  // namespace

TEST_CASE("exec: a command is in the node's namespaces and within its capabilities") {
  Node node;
  CHECK(require(differing_namespaces(node.target().pid)) == kNodeNamespaces);
  CHECK(require(differing_namespaces(::getpid())) == 0);
  CHECK(node.output_of("hostname") == "web-01\n");
  CHECK(node.output_of("cat /proc/1/comm /proc/self/comm | tail -n1") == "cat\n");
  CHECK(node.output_of("for n in cgroup ipc mnt net pid uts; do "
                       "[ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] || echo $n; "
                       "done") == "");
  CHECK(node.output_of("grep CapBnd /proc/1/status") ==
        node.output_of("grep CapBnd /proc/self/status"));
  CHECK(node.output_of("grep CapEff /proc/self/status | cut -f2") ==
        node.output_of("grep CapBnd /proc/1/status | cut -f2"));
}

TEST_CASE("exec: the environment, the directory and the descriptors are those given") {
  Node node;
  const UniqueFd leaked(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  CHECK(node.output_of("echo $PLACE $HOME; umask") == "node\n0022\n");
  CHECK(require(node.run({"sh", "-c", "pwd > /run/output"}, "/usr")).status == 0);
  CHECK(node.output_of("cat /run/output; ls /proc/self/fd | tr '\\n' ' '") == "0 1 2 3 ");
  CHECK(error_of(node.run({"true"}, "/nowhere")) ==
        "changing to directory '/nowhere': No such file or directory (ENOENT)");
}

TEST_CASE("exec: the exit status is the command's, as a shell tells it") {
  Node node;
  CHECK(require(node.run({"true"})).status == 0);
  CHECK(require(node.run({"sh", "-c", "exit 3"})).status == 3);
  CHECK(require(node.run({"sh", "-c", "kill -TERM $$"})).status == 128 + SIGTERM);
  CHECK_FALSE(require(node.run({"false"})).not_executed.has_value());

  const Exit absent = require(node.run({"no-such-command"}));
  CHECK(absent.status == 127);
  CHECK(to_string(*absent.not_executed) ==
        "running 'no-such-command': No such file or directory (ENOENT)");
  const Exit directory = require(node.run({"/usr"}));
  CHECK(directory.status == 126);
  CHECK(to_string(*directory.not_executed) == "running '/usr': Permission denied (EACCES)");
}

TEST_CASE("exec: a target that is gone is an error") {
  Target target;
  {
    Node node;
    target = node.target();
  }
  CHECK(error_of(run_inside(target, {.argv = {"true"}}, Terminal::none)).find("ENOENT") !=
        std::string::npos);
}

TEST_CASE("exec: a cgroup that cannot be joined is an error, and nothing runs") {
  Node node;
  Target target = node.target();
  target.cgroup_procs = {"/run/none/cgroup.procs"};
  CHECK(error_of(run_inside(target, {.argv = {"touch", "/run/ran"}}, Terminal::none)) ==
        "joining the cgroup of '/run/none/cgroup.procs': No such file or directory (ENOENT)");
  CHECK_FALSE(std::filesystem::exists("/run/ran"));
}

TEST_CASE("exec: a signal that asks to stop reaches the command") {
  Node node;
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP, SIGUSR1);
  ::unlink("/run/ready");
  REQUIRE(::mkfifo("/run/ready", 0600) == 0);
  Child sender([&] {
    char byte = 0;
    const UniqueFd ready(::open("/run/ready", O_RDONLY));
    (void)!::read(ready.get(), &byte, 1);
    ::kill(::getppid(), signal);
    return 0;
  });
  const Exit exit = require(node.run({"sh",
                                      "-c",
                                      "trap 'exit 42' INT TERM HUP USR1; echo >/run/ready; "
                                      "while :; do sleep 0.01; done"}));
  CHECK(exit.status == 42);
}

TEST_CASE("exec: joins a user namespace as its root") {
  const auto userns = require(create_userns(100000, 65536));
  std::array<int, 2> ready{};
  REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
  Child init([&] {
    const bool in = ::setns(userns.get(), CLONE_NEWUSER) == 0 && ::setresuid(0, 0, 0) == 0 &&
                    ::unshare(CLONE_NEWUTS) == 0;
    (void)!::write(ready[1], in ? "y" : "n", 1);
    for (;;) {
      ::pause();
    }
    return 0;
  });
  char result = 0;
  REQUIRE(::read(ready[0], &result, 1) == 1);
  REQUIRE(result == 'y');
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, init.pid(), 0)));
  const UniqueFd program = require(host::init_program());
  std::ofstream("/run/id").flush();
  ::chmod("/run/id", 0666);
  const Exit exit =
      require(run_inside({.pidfd = pidfd.get(), .pid = init.pid(), .program = program.get()},
                         {.argv = {"sh", "-c", "echo $(id -u) $(id -g) $(id -G) >/run/id"},
                          .environment = {"PATH=/usr/bin:/bin"}},
                         Terminal::none));
  CHECK(exit.status == 0);
  std::ifstream stream("/run/id");
  std::string line;
  std::getline(stream, line);
  CHECK(line == "0 0 0");
  ::close(ready[0]);
  ::close(ready[1]);
}

namespace {

// Reads from a terminal's master until `text` has come.
std::string read_until(int master, const std::string& text) {
  std::string all;
  pollfd waiting{.fd = master, .events = POLLIN, .revents = 0};
  while (all.find(text) == std::string::npos && ::poll(&waiting, 1, 5000) > 0) {
    std::array<char, 512> buffer{};
    const ssize_t size = ::read(master, buffer.data(), buffer.size());
    if (size <= 0) {
      break;
    }
    all.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return all;
}

}  // namespace

TEST_CASE("exec: a terminal of the node's own, with the user's size, keys and end") {
  Node node;
  Pty user = require(open_pty());
  const winsize size{.ws_row = 33, .ws_col = 99, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(user.master.get(), TIOCSWINSZ, &size);
  termios before{};
  REQUIRE(::tcgetattr(user.master.get(), &before) == 0);

  Child nslab([&] {
    ::setsid();
    ::ioctl(user.slave.get(), TIOCSCTTY, 0);
    for (const int fd : {0, 1, 2}) {
      ::dup2(user.slave.get(), fd);
    }
    const std::string script =
        "tty; stty size; trap 'echo interrupted' INT; echo ready; until read word; do :; done; "
        "echo got:$word; "
        "stty size; exit 9";
    const auto exit =
        run_inside(node.target(),
                   {.argv = {"sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin"}},
                   Terminal::pty);
    return exit ? exit->status : 255;
  });
  const std::string begin = read_until(user.master.get(), "ready");
  CHECK(begin.find("/dev/pts/0") != std::string::npos);
  CHECK(begin.find("33 99") != std::string::npos);

  const winsize larger{.ws_row = 44, .ws_col = 111, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(user.master.get(), TIOCSWINSZ, &larger);
  CHECK(::write(user.master.get(), "\x03", 1) == 1);
  CHECK(read_until(user.master.get(), "interrupted").find("interrupted") != std::string::npos);
  CHECK(::write(user.master.get(), "hello\n", 6) == 6);
  const std::string end = read_until(user.master.get(), "44 111");
  CHECK(end.find("got:hello") != std::string::npos);
  CHECK(end.find("44 111") != std::string::npos);
  CHECK(WEXITSTATUS(nslab.wait()) == 9);
  termios after{};
  REQUIRE(::tcgetattr(user.master.get(), &after) == 0);
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_iflag == before.c_iflag);
}
