// Making nodes: whose namespaces they have, and what is said when it fails.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include <catch2/catch.hpp>

#include "kernel/cgroup.h"
#include "kernel/netns.h"
#include "platform/node.h"
#include "support/sandbox/net.h"

using namespace nslab;
using nslab::test::give;
using nslab::test::Node;
using nslab::test::open_file;
using nslab::test::replace;
using nslab::test::require;

namespace {

std::string ns_of(pid_t pid, const std::string& type) {
  return "/proc/" + std::to_string(pid) + "/ns/" + type;
}

std::string error_of(const std::function<void(host::NodeRequest&)>& change) {
  return Node("failing", change).error();
}

}  // namespace

TEST_CASE("spawn: a node joins what another has") {
  Node first("a");
  Node second("b", [&](host::NodeRequest& request) {
    replace(request, "clone", std::to_string(CLONE_NEWNS | CLONE_NEWCGROUP));
    for (const char* type : {"pid", "uts", "ipc"}) {
      give(request, type, open_file(ns_of(first.pid(), type)));
    }
  });
  const std::string links = "readlink /proc/self/ns/pid /proc/self/ns/uts /proc/self/ns/ipc";
  CHECK(second.out(links) == first.out(links));
  CHECK(second.out("hostname; ps -A -o comm= | grep -c nslab-init") == "a\n2\n");
}

TEST_CASE("spawn: orphans come to an init that is not PID 1") {
  Node first("a");
  Node second("b", [&](host::NodeRequest& request) {
    replace(request, "clone", std::to_string(CLONE_NEWNS));
    give(request, "pid", open_file(ns_of(first.pid(), "pid")));
  });
  CHECK(second.out("(sleep 0.1 &) ; sleep 0.3; ps -A -o stat= | grep -c Z || true") == "0\n");
}

TEST_CASE("spawn: a time namespace has its offsets") {
  Node node("a", [](host::NodeRequest& request) {
    replace(request, "clone", std::to_string(Node::kOwn | CLONE_NEWTIME));
    request.packet.add("boottime", "1000000").add("monotonic", "500");
  });
  CHECK(std::stod(node.out("cut -d' ' -f1 /proc/uptime")) > 1'000'000);
  Node next("b");
  CHECK(std::stod(next.out("cut -d' ' -f1 /proc/uptime")) < 1'000'000);
}

TEST_CASE("spawn: a node begins in its cgroups, which its cgroup namespace shows as the root") {
  const std::string parent =
      "nslab-unshared-" + std::to_string(require(kernel::namespace_inode(
                              require(kernel::current_namespace(kernel::Namespace::pid)).get())));
  const auto tree = require(kernel::CgroupTree::open(parent));
  require(tree.create("a"));
  {
    Node node("a", [&](host::NodeRequest& request) {
      request.packet.add_all("attach", tree.v1_tasks_files("a"));
      if (auto directory = require(tree.directory("a")); directory.valid()) {
        give(request, "cgroup2", std::move(directory));
      }
    });
    CHECK(node.error().empty());
    CHECK(require(tree.processes("a")) == std::vector<pid_t>{node.pid()});
    CHECK(node.out("grep -c " + parent + " /proc/self/cgroup || true") == "0\n");
    CHECK(node.out("! test -d /sys/fs/cgroup/" + parent + "; test -e /sys/fs/cgroup/cgroup.procs")
              .empty());
  }
  require(tree.remove("", test::in_seconds(5)));
}

TEST_CASE("spawn: what fails is named") {
  CHECK(error_of([](auto& request) { replace(request, "lower", "/not/there"); }) ==
        "mounting an overlay on /run/nslab/failing/upper: No such file or directory (ENOENT)");
  CHECK(error_of([](auto& request) { request.packet.add("attach", "/not/there"); }) ==
        "entering the cgroup /not/there: No such file or directory (ENOENT)");
  CHECK(error_of([](auto& request) { give(request, "net", open_file("/proc/self/ns/uts")); }) ==
        "joining the namespace net: Invalid argument (EINVAL)");
}

TEST_CASE("spawn: a node that is killed while it is set up is a failure") {
  const std::string fifo = "/run/nslab/fifo";
  std::filesystem::create_directories("/run/nslab");
  REQUIRE((::mkfifo(fifo.c_str(), 0600) == 0 || errno == EEXIST));
  // Writing to a FIFO without a reader waits; so does the node, for its end.
  std::thread killer([] {
    for (int tries = 0; tries < 1000; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "cmdline");
        const std::string line{std::istreambuf_iterator<char>(file), {}};
        if (line.starts_with("nslab-init test.")) {
          (void)::kill(std::stoi(entry.path().filename()), SIGKILL);
          return;
        }
      }
    }
  });
  Node node("stuck", [&](host::NodeRequest& request) { request.packet.add("attach", fifo); });
  killer.join();
  CHECK(node.error() ==
        "the node's init was killed while it set the node up: Input/output error (EIO)");
}

TEST_CASE("spawn: the process list shows the node's whole name") {
  Node node("with-a-rather-long-name");
  std::ifstream file("/proc/" + std::to_string(node.pid()) + "/cmdline");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  CHECK(line.substr(0, line.find('\0')) == "nslab-init test.with-a-rather-long-name");
}

TEST_CASE("spawn: many at once, and all outlive their maker") {
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 20; ++i) {
    nodes.push_back(std::make_unique<Node>("n" + std::to_string(i)));
  }
  for (const auto& node : nodes) {
    CHECK(node->shell("true").ending == "code=0");
  }
}
