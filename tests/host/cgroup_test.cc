#include "kernel/cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "kernel/netns.h"
#include "support/sandbox/child.h"
#include "support/sandbox/net.h"

using namespace nslab;
using namespace nslab::kernel;
using nslab::test::Child;
using nslab::test::error_of;
using nslab::test::in_seconds;
using nslab::test::require;
using Names = std::vector<std::string>;

namespace {

// The hierarchies are the host's: a directory of our own in them, named after our
// PID namespace, which no other run of the tests has. What is called nslab-test-* after
// no process is swept away by the next test of the command line.
struct TestTree {
  std::string parent =
      "nslab-unshared-" +
      std::to_string(require(namespace_inode(require(current_namespace(Namespace::pid)).get())));
  CgroupTree tree = require(CgroupTree::open(parent));

  TestTree() = default;
  TestTree(const TestTree&) = delete;
  TestTree& operator=(const TestTree&) = delete;

  ~TestTree() {
    (void)tree.kill("", in_seconds(5));
    (void)tree.remove("", in_seconds(5));
  }
};

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text << std::flush;
}

void join(const std::vector<std::string>& procs_files, pid_t pid) {
  for (const auto& file : procs_files) {
    write_file(file, std::to_string(pid));
  }
}

int sleep_forever() {
  for (;;) {
    ::pause();
  }
}

}  // namespace

TEST_CASE("cgroup: made with those above it, listed, and removed with those below") {
  TestTree test;
  const CgroupTree& tree = test.tree;
  CHECK_FALSE(tree.exists("lab/web"));
  require(tree.create("lab/web"));
  require(tree.create("lab/web"));
  require(tree.create("lab/db"));
  CHECK(tree.exists("lab/web"));
  CHECK(require(tree.children("lab")) == Names{"db", "web"});
  CHECK(require(tree.children("")) == Names{"lab"});
  require(tree.remove("lab/web", in_seconds(5)));
  CHECK_FALSE(tree.exists("lab/web"));
  require(tree.remove("", in_seconds(5)));
  CHECK_FALSE(tree.exists(""));
  require(tree.remove("", in_seconds(5)));
}

TEST_CASE("cgroup: without limits it is in one hierarchy, and reads as unlimited") {
  TestTree test;
  require(test.tree.create("web"));
  require(test.tree.apply("web", {}));
  CHECK(test.tree.procs_files("web").size() == 1);
  CHECK(require(test.tree.limits("web")) == Limits{});
  CHECK(error_of(test.tree.limits("db")) ==
        "reading the limits of cgroup 'db': No such file or directory (ENOENT)");
  CHECK(error_of(test.tree.usage("db")) ==
        "reading the usage of cgroup 'db': No such file or directory (ENOENT)");
}

TEST_CASE("cgroup: every limit reads back as asked, is changed in place and lifted") {
  TestTree test;
  Limits limits{
      .memory = 64U << 20U, .cpu_millis = 500, .cpu_weight = 250, .cpuset = "0", .pids = 30};
  REQUIRE(test.tree.missing(limits) == Names{});
  if (test.tree.missing({.swap = 1}).empty()) {
    limits.swap = 16U << 20U;
  }
  require(test.tree.create("web"));
  require(test.tree.apply("web", limits));
  CHECK(equivalent(limits, require(test.tree.limits("web"))));

  limits.memory = (32U << 20U) + 100;  // no whole number of pages
  limits.cpu_millis = 7;
  limits.cpu_weight = 1;
  limits.pids.reset();
  require(test.tree.apply("web", limits));
  CHECK(equivalent(limits, require(test.tree.limits("web"))));
  CHECK_FALSE(require(test.tree.limits("web")).pids.has_value());

  require(test.tree.apply("web", {}));
  CHECK(require(test.tree.limits("web")) == Limits{});
}

TEST_CASE("cgroup: what the kernel refuses names the file") {
  TestTree test;
  require(test.tree.create("web"));
  const std::string error = error_of(test.tree.apply("web", {.cpuset = "4000"}));
  CHECK(error.starts_with("writing '4000' to '/"));
  CHECK(error.find("/web/cpuset.cpus'") != std::string::npos);
}

TEST_CASE("cgroup: limits compare as the kernel rounds them") {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  CHECK(equivalent({.memory = 10 * page + 1}, {.memory = 10 * page}));
  CHECK_FALSE(equivalent({.memory = 10 * page}, {.memory = 9 * page}));
  CHECK(equivalent({.cpu_weight = 100}, {}));
  CHECK(equivalent({.cpuset = "5,3,4,9"}, {.cpuset = "3-5,9"}));
  CHECK(equivalent({.cpuset = "0-4095"}, {}));
  CHECK_FALSE(equivalent({.cpuset = "0"}, {.cpuset = "1"}));
  CHECK_FALSE(equivalent({.pids = 3}, {}));
}

TEST_CASE("cgroup: a processor list is lifted under the processes that it holds") {
  TestTree test;
  require(test.tree.create("web"));
  require(test.tree.apply("web", {.cpuset = "0"}));
  Child child(sleep_forever);
  join(test.tree.procs_files("web"), child.pid());
  const auto cpus = [&] {
    cpu_set_t set{};
    REQUIRE(::sched_getaffinity(child.pid(), sizeof set, &set) == 0);
    return CPU_COUNT(&set);
  };
  CHECK(cpus() == 1);
  require(test.tree.apply("web", {}));
  CHECK(require(test.tree.limits("web")) == Limits{});
  CHECK(cpus() == ::sysconf(_SC_NPROCESSORS_ONLN));
}

TEST_CASE("cgroup: a limit that comes later holds for processes that are there") {
  TestTree test;
  require(test.tree.create("web"));
  Child child(sleep_forever);
  join(test.tree.procs_files("web"), child.pid());
  CHECK(require(test.tree.processes("web")) == std::vector<pid_t>{child.pid()});
  require(test.tree.apply("web", {.memory = 64U << 20U, .pids = 7}));
  CHECK(require(test.tree.usage("web")).pids == 1U);
  CHECK(require(test.tree.processes("web")) == std::vector<pid_t>{child.pid()});
}

TEST_CASE("cgroup: a process over its memory is killed, and counted") {
  TestTree test;
  require(test.tree.create("web"));
  require(test.tree.apply("web", {.memory = 16U << 20U}));
  const auto files = test.tree.procs_files("web");
  Child hog([&] {
    join(files, ::getpid());
    constexpr std::size_t kSize = 64U << 20U;
    void* memory = ::mmap(
        nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return memory == MAP_FAILED ? 2 : 0;
  });
  const int status = hog.wait();
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
  const Usage usage = require(test.tree.usage("web"));
  CHECK(usage.oom_kills == 1);
  CHECK(usage.memory_peak.value_or(0) >= 15U << 20U);
  CHECK(usage.memory_peak.value_or(0) <= 16U << 20U);
}

TEST_CASE("cgroup: forks end at the limit of processes") {
  TestTree test;
  require(test.tree.create("web"));
  require(test.tree.apply("web", {.pids = 3}));
  const auto files = test.tree.procs_files("web");
  Child forker([&] {
    join(files, ::getpid());
    int forked = 0;
    while (forked < 10) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        return sleep_forever();
      }
      if (pid < 0) {
        break;
      }
      ++forked;
    }
    return forked;
  });
  CHECK(WEXITSTATUS(forker.wait()) == 2);
  require(test.tree.kill("web", in_seconds(5)));
}

TEST_CASE("cgroup: killing takes all that is below, and removal waits for it") {
  TestTree test;
  require(test.tree.create("lab/web/inner"));
  require(test.tree.create("lab/db"));
  Child one(sleep_forever);
  Child two(sleep_forever);
  Child other(sleep_forever);
  join(test.tree.procs_files("lab/web"), one.pid());
  join(test.tree.procs_files("lab/web/inner"), two.pid());
  join(test.tree.procs_files("lab/db"), other.pid());
  require(test.tree.kill("lab/web", in_seconds(5)));
  require(test.tree.remove("lab/web", in_seconds(5)));
  CHECK(WTERMSIG(one.wait()) == SIGKILL);
  CHECK(WTERMSIG(two.wait()) == SIGKILL);
  CHECK(::kill(other.pid(), 0) == 0);
}

TEST_CASE("cgroup: what is removed while a process dies goes when that is gone") {
  TestTree test;
  for (int round = 0; round < 20; ++round) {
    require(test.tree.create("web"));
    require(test.tree.apply("web", {.memory = 64U << 20U, .pids = 9}));
    Child child(sleep_forever);
    join(test.tree.procs_files("web"), child.pid());
    ::kill(child.pid(), SIGKILL);
    require(test.tree.remove("web", in_seconds(5)));
  }
}

TEST_CASE("cgroup: waiting and removing have a bound, and say who is still there") {
  TestTree test;
  require(test.tree.create("web"));
  Child child(sleep_forever);
  join(test.tree.procs_files("web"), child.pid());
  const auto waited = test.tree.wait_until_empty("web", in_seconds(0));
  CHECK(error_of(waited) ==
        "waiting for the processes of cgroup 'web' to end: Connection timed out (ETIMEDOUT)");
  CHECK(waited.error().hint == "still there: process " + std::to_string(child.pid()));
  CHECK(error_of(test.tree.remove("web", in_seconds(0))) == error_of(waited));
}

TEST_CASE("cgroup: a process can be cloned into its directory") {
  TestTree test;
  require(test.tree.create("web"));
  const auto directory = require(test.tree.directory("web"));
  if (directory.valid()) {
    CHECK(test.tree.v1_tasks_files("web").empty());
    CHECK(::fcntl(directory.get(), F_GETFD) == FD_CLOEXEC);
    CHECK_FALSE(test.tree.directory("none"));
  } else {  // version 1 alone
    CHECK_FALSE(test.tree.v1_tasks_files("web").empty());
  }
}
