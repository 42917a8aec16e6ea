// What a node's init does with services and commands.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <catch2/catch.hpp>

#include "platform/node.h"
#include "support/sandbox/net.h"

using namespace nslab;
using host::Packet;
using nslab::test::Node;

namespace {

using Clock = std::chrono::steady_clock;

Packet service(const std::string& name, const std::vector<std::string>& argv) {
  Packet packet;
  return packet.add("name", name).add_all("argv", argv);
}

Packet named(const std::string& name) {
  return Packet().add("name", name);
}

Packet shell_service(const std::string& name, const std::string& command) {
  return service(name, {"/bin/sh", "-c", command});
}

// The `service` packet of that name.
Packet status_of(Node& node, const std::string& name) {
  auto control = node.connect();
  for (Packet& packet : test::require(test::status_of(control))) {
    if (packet.verb == "service" && packet.get("name") == name) {
      return packet;
    }
  }
  return {};
}

std::string state_of(Node& node, const std::string& name) {
  return std::string(status_of(node, name).get("state"));
}

bool comes_to(Node& node, const std::string& service, std::string_view state) {
  const auto limit = test::in_seconds(30);
  while (state_of(node, service) != state && Clock::now() < limit) {
  }
  return state_of(node, service) == state;
}

// "s", which ignores its signal and has a child.
void start_stubborn(Node& node, const std::string& stop_timeout_ms) {
  const std::string command =
      "trap '' TERM; touch /run/up; sleep 888 & while :; do sleep 888; done";
  node.ask("start",
           shell_service("s", command)
               .add("ready", "file")
               .add("path", "/run/up")
               .add("stop_timeout_ms", stop_timeout_ms));
  CHECK(node.ask("wait", named("s")) == "ready");
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("service: started, running, stopped and forgotten") {
  Node node("a");
  CHECK(node.ask("start", service("s", {"sleep", "100"}).add("spec", "S")) == "ok");
  CHECK(node.ask("wait", named("s")) == "ready");
  const Packet status = status_of(node, "s");
  CHECK(status.get("state") == "ready");
  CHECK(status.get("spec") == "S");
  CHECK(node.out("ps -o args= -p " + std::string(status.get("pid"))) == "sleep 100\n");
  CHECK(node.ask("start", service("s", {"sleep", "100"})) ==
        "error what=there is already a service s errno=17");
  CHECK(node.ask("stop", named("s")) == "ok");
  CHECK(node.ask("stop", named("s")) == "ok");
  CHECK(state_of(node, "s").empty());
  CHECK(node.shell("pgrep sleep").ending == "code=1");
}

TEST_CASE("service: a program that is not there is said to be") {
  Node node("a");
  CHECK(node.ask("start", service("s", {"no-such-program"}).add("restart", "always")) == "ok");
  CHECK(node.ask("wait", named("s")) == "failed what=cannot be started: no-such-program errno=2");
  CHECK(state_of(node, "s") == "failed");
}

TEST_CASE("service: what ends before it is ready has failed") {
  Node node("a");
  CHECK(node.ask("start", shell_service("s", "exit 3").add("ready", "tcp").add("port", "80")) ==
        "ok");
  CHECK(node.ask("wait", named("s")) ==
        "failed what=exited with status 3 before it was ready errno=0");
  CHECK(node.ask("start",
                 service("t", {"sleep", "9"})
                     .add("ready", "file")
                     .add("path", "/none")
                     .add("timeout_ms", "200")) == "ok");
  CHECK(node.ask("wait", named("t")) ==
        "failed what=was not ready within 200 ms: there is no /none errno=0");
  CHECK(state_of(node, "t") == "running");
}

TEST_CASE("service: ready when a port, a page, a file or a command says so") {
  Node node("a");
  node.out("ip link set lo up; ip address add 10.77.0.1/32 dev lo");
  const auto http = [](const std::string& name, const std::string& port) {
    return service(name, {"python3", "-m", "http.server", port}).add("port", port);
  };
  CHECK(node.ask("start", http("tcp", "81").add("ready", "tcp")) == "ok");
  CHECK(node.ask("start", http("http", "82").add("ready", "http").add("path", "/etc/")) == "ok");
  CHECK(node.ask("start",
                 http("missing", "83")
                     .add("ready", "http")
                     .add("path", "/none")
                     .add("timeout_ms", "6000")) == "ok");
  CHECK(node.ask("start",
                 service("bound", {"python3", "-m", "http.server", "-b", "10.77.0.1", "84"})
                     .add("ready", "tcp")
                     .add("port", "84")) == "ok");
  CHECK(node.ask("start",
                 shell_service("file", "sleep 0.2; touch /run/f; exec sleep 9")
                     .add("ready", "file")
                     .add("path", "/run/f")) == "ok");
  CHECK(node.ask("start",
                 shell_service("exec", "sleep 0.2; touch /run/e; exec sleep 9")
                     .add("ready", "exec")
                     .add_all("rargv", {"test", "-e", "/run/e"})) == "ok");
  for (const char* name : {"tcp", "http", "bound", "file", "exec"}) {
    INFO(name);
    CHECK(node.ask("wait", named(name)) == "ready");
  }
  CHECK(node.ask("wait", named("missing")) ==
        "failed what=was not ready within 6000 ms: HTTP answered 404 errno=0");
}

TEST_CASE("service: another's port does not make it ready") {
  Node node("a");
  CHECK(node.ask("start",
                 service("one", {"python3", "-m", "http.server", "81"})
                     .add("ready", "tcp")
                     .add("port", "81")) == "ok");
  CHECK(node.ask("wait", named("one")) == "ready");
  CHECK(node.ask("start",
                 service("two", {"sleep", "9"})
                     .add("ready", "tcp")
                     .add("port", "81")
                     .add("timeout_ms", "200")) == "ok");
  CHECK_THAT(node.ask("wait", named("two")),
             Catch::Matches("failed what=was not ready within 200 ms: who listens on port 81 is "
                            "another process of the node, [0-9]+, of service 'one' errno=0"));
}

TEST_CASE("service: it goes on in what it leaves in the background, and is stopped whole") {
  Node node("a");
  const std::string left = "pgrep -fc '^sleep 999$'; true";
  CHECK(node.ask("start", shell_service("s", "setsid sleep 999 & sleep 999 &")) == "ok");
  CHECK(node.ask("wait", named("s").add("stands", "1")) == "ready");
  CHECK(state_of(node, "s") == "ready");
  CHECK(node.out(left) == "2\n");
  CHECK(node.ask("stop", named("s")) == "ok");
  CHECK(node.out(left) == "0\n");
  // What fails takes all with it.
  CHECK(node.ask("start", shell_service("t", "setsid sleep 999 & sleep 0.1; exit 3")) == "ok");
  CHECK(node.ask("wait", named("t").add("stands", "1")) ==
        "failed what=exited with status 3 errno=0");
  CHECK(node.ask("stop", named("t")) == "ok");
  CHECK(node.out(left) == "0\n");
}

TEST_CASE("service: a job is done when it ends with 0, and stands for what it leaves") {
  Node node("a");
  const auto job = [](const std::string& command) {
    return shell_service("j", command).add("once", "1");
  };
  CHECK(node.ask("start", job("sleep 0.2; touch /run/done; setsid sleep 777 &")) == "ok");
  CHECK(node.ask("wait", named("j")) == "ready");
  CHECK(node.out("ls /run/done; pgrep -fc '^sleep 777$'") == "/run/done\n1\n");
  CHECK(state_of(node, "j") == "done");
  CHECK(node.ask("stop", named("j")) == "ok");
  CHECK(node.out("pgrep -fc '^sleep 777$'; true") == "0\n");
  CHECK(node.ask("start", job("exit 4")) == "ok");
  CHECK(node.ask("wait", named("j")) == "failed what=exited with status 4 errno=0");
}

TEST_CASE("service: one that is started again and again in vain does not stand") {
  Node node("a");
  CHECK(node.ask("start", service("s", {"false"}).add("restart", "always")) == "ok");
  CHECK(node.ask("wait", named("s").add("stands", "1")) ==
        "failed what=exited with status 1, again and again errno=0");
}

TEST_CASE("service: restarts by policy, after pauses") {
  Node node("a");
  const std::string count = "date +%s%3N >> /run/$0; ";
  node.ask("start", service("always", {"sh", "-c", count, "always"}).add("restart", "always"));
  node.ask(
      "start",
      service("failed", {"sh", "-c", count + "exit 1", "failed"}).add("restart", "on-failure"));
  node.ask("start", service("done", {"sh", "-c", count, "done"}).add("restart", "on-failure"));
  node.ask("start", service("never", {"sh", "-c", count + "exit 1", "never"}));
  for (const std::string name : {"always", "failed"}) {
    std::int64_t first = 0;
    std::int64_t second = 0;
    std::int64_t third = 0;
    const auto limit = test::in_seconds(30);
    while (third == 0 && Clock::now() < limit) {
      std::istringstream times(node.out("cat /run/" + name + " || true"));
      times >> first >> second >> third;
    }
    // After pauses of 100 and 200 ms, less what a program takes to begin once more or less.
    CHECK(second - first >= 60);
    CHECK(third - second >= 140);
  }
  CHECK(comes_to(node, "done", "exited"));
  CHECK(comes_to(node, "never", "failed"));
  CHECK(node.out("cat /run/done | wc -l; cat /run/never | wc -l") == "1\n1\n");
}

TEST_CASE("service: what comes of another is never taken for its own") {
  Node node("a");
  // The kernel gives the number of a namespace away as soon as that is gone.
  for (int round = 0; round < 30; ++round) {
    for (const char* name : {"first", "second", "third"}) {
      node.ask("start", service(name, {"true"}));
    }
    node.ask("start", service("failing", {"sh", "-c", "exit 1"}));
    for (const char* name : {"first", "second", "third"}) {
      CHECK(comes_to(node, name, "exited"));
    }
    REQUIRE(comes_to(node, "failing", "failed"));
    for (const char* name : {"first", "second", "third", "failing"}) {
      node.ask("stop", named(name));
    }
  }
}

TEST_CASE("service: one that ignores its signal is killed, with all of its group") {
  Node node("a");
  start_stubborn(node, "200");
  const auto before = Clock::now();
  CHECK(node.ask("stop", named("s")) == "ok");
  CHECK(Clock::now() - before >= std::chrono::milliseconds(200));
  CHECK(node.shell("pgrep -f 'sleep 888$'").ending == "code=1");
}

TEST_CASE("service: one that was told to end says so until it has, though nobody waits for it") {
  Node node("a");
  start_stubborn(node, "60000");
  CHECK(state_of(node, "s") != "stopping");
  {
    host::Control control = node.connect();
    REQUIRE(control.send("stop", named("s")));
    CHECK(node.ask("about", {}).starts_with("node"));  // so that the request was read
  }
  CHECK(state_of(node, "s") == "stopping");
}

TEST_CASE("service: its own stop signal, environment and directory") {
  Node node("a");
  node.ask("start",
           shell_service("s",
                         "trap 'echo $A > /tmp/out; exit' USR1; "
                         "touch ready; while :; do sleep 0.01; done")
               .add("env", "A=b")
               .add("dir", "/tmp")
               .add("ready", "file")
               .add("path", "/tmp/ready")
               .add("stop_signal", "USR1"));
  CHECK(node.ask("wait", named("s")) == "ready");
  CHECK(node.ask("stop", named("s")) == "ok");
  CHECK(node.out("cat /tmp/out") == "b\n");
}

TEST_CASE("service: its log is bounded, and ends with what it said last") {
  Node node("a");
  const std::string path = node.directory() + "/log";
  const UniqueFd log(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  node.ask("start",
           shell_service("s",
                         "seq -f 'line %.0f, so that it is of some length' 60000; "
                         "touch /run/said; sleep 9")
               .add("ready", "file")
               .add("path", "/run/said")
               .add("fd", "log"),
           {log.get()});
  CHECK(node.ask("wait", named("s")) == "ready");
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (!content_of(path).ends_with("line 60000, so that it is of some length\n") &&
         Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::string text = content_of(path);
  CHECK(text.size() <= std::size_t{1} << 20);
  CHECK(text.size() >= std::size_t{1} << 19);
  CHECK(text.starts_with("line "));
  CHECK(text.ends_with("line 60000, so that it is of some length\n"));
}

TEST_CASE("run: how a command ended, and what is remembered of it") {
  Node node("a");
  const auto shell = [](const std::string& command) {
    return Packet().add_all("argv", {"/bin/sh", "-c", command});
  };
  CHECK(node.ask("run", shell("exit 3").add("key", "0").add("spec", "A")) == "exit code=3");
  CHECK(node.ask("run", shell("kill -9 $$")) == "exit signal=9");
  CHECK(node.ask("run", Packet().add("argv", "no-such-program")) ==
        "failed what=cannot be started: no-such-program errno=2");
  CHECK(node.ask("run", shell("true").add("key", "1").add("spec", "B")) == "exit code=0");
  auto control = node.connect();
  std::string setups;
  for (const Packet& packet : test::require(test::status_of(control))) {
    setups += packet.verb == "setup" ? test::text_of(packet) : "";
  }
  CHECK(setups == "setup key=1 spec=B");
}

TEST_CASE("run: a command does not outlive the connection that waits for it") {
  Node node("a");
  {
    auto control = node.connect();
    test::require(control.send("run", Packet().add_all("argv", {"sleep", "777"})));
    while (node.shell("pgrep -f 'sleep 777$'").ending != "code=0") {
    }
  }
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (node.shell("pgrep -f 'sleep 777$'").ending == "code=0" && Clock::now() < deadline) {
  }
  CHECK(node.shell("pgrep -f 'sleep 777$'").ending == "code=1");
}

TEST_CASE("SIGTERM: services are stopped, and the init ends") {
  Node node("a");
  node.ask("start",
           shell_service("s",
                         "trap 'sleep 0.2; echo bye > /etc/bye; exit' TERM; "
                         "touch /run/up; while :; do sleep 0.01; done")
               .add("ready", "file")
               .add("path", "/run/up"));
  CHECK(node.ask("wait", named("s")) == "ready");
  REQUIRE(::kill(node.connect().init_pid(), SIGTERM) == 0);
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (host::Control::connect(node.directory() + "/init.sock") && Clock::now() < deadline) {
  }
  CHECK_FALSE(host::Control::connect(node.directory() + "/init.sock"));
  CHECK(content_of(node.directory() + "/upper/etc/bye") == "bye\n");
}
