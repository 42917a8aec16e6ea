// Files, mounts and names in a node; and clients that misbehave.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "platform/node.h"
#include "support/sandbox/net.h"

using namespace nslab;
using host::Packet;
using nslab::test::Node;

namespace {

std::string status_line(Node& node, std::string_view verb) {
  auto control = node.connect();
  for (const Packet& packet : test::require(test::status_of(control))) {
    if (packet.verb == verb) {
      return test::text_of(packet);
    }
  }
  return "";
}

Packet file(const std::string& path, const std::string& content) {
  return Packet().add("path", path).add("content", content).add("mode", "384").add("spec", "F");
}

UniqueFd detached(const std::string& path) {
  return UniqueFd(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

}  // namespace

TEST_CASE("file: written, observed as it is, removed") {
  Node node("a");
  CHECK(node.ask("write", file("/new/dir/file", "one\ntwo=2\n")) == "ok at=/new/dir/file");
  CHECK(node.out("stat -c %a /new/dir/file; cat /new/dir/file") == "600\none\ntwo=2\n");
  CHECK(status_line(node, "file") ==
        "file path=/new/dir/file spec=F content=one\ntwo=2\n mode=384 owned=1");
  node.out("echo changed > /new/dir/file; chmod 644 /new/dir/file");
  CHECK(status_line(node, "file") ==
        "file path=/new/dir/file spec=F content=changed\n mode=420 owned=1");
  node.out("printf 'a\\0b' > /new/dir/file");
  CHECK(status_line(node, "file") ==
        "file path=/new/dir/file spec=F content=a mode=420 owned=1 cut=1");
  node.out("rm /new/dir/file");
  CHECK(status_line(node, "file") == "file path=/new/dir/file spec=F");
  CHECK(node.ask("remove", file("/new/dir/file", "")) == "ok");
  CHECK(status_line(node, "file").empty());
}

TEST_CASE("file: keeps its inode, and replaces a symbolic link") {
  Node node("a");
  CHECK(node.ask("write", file("/etc/x", "1")) == "ok at=/etc/x");
  const std::string inode = node.out("stat -c %i /etc/x");
  CHECK(node.ask("write", file("/etc/x", "2")) == "ok at=/etc/x");
  CHECK(node.out("stat -c %i /etc/x") == inode);
  node.out("ln -s /not/there /etc/link");
  CHECK(node.ask("write", file("/etc/link", "text")) == "ok at=/etc/link");
  CHECK(node.out("cat /etc/link; stat -c %F /etc/link") == "textregular file\n");
}

TEST_CASE("file: what cannot be written is an error") {
  Node node("a");
  CHECK(node.ask("write", file("/usr", "x")) == "error what=writing /usr errno=21");
  CHECK(node.ask("write", file("relative", "x")) ==
        "error what=a file needs an absolute path errno=0");
  CHECK(node.ask("write", file("/big", std::string(init::kMaxContent + 1, 'x'))) ==
        "error what=too much content for /big errno=27");
}

TEST_CASE("file: the status of many large ones arrives whole") {
  Node node("a");
  const std::string content(init::kMaxContent, 'x');
  for (int i = 0; i < 30; ++i) {
    const std::string path = "/etc/big" + std::to_string(i);
    REQUIRE(node.ask("write", file(path, content)) == "ok at=" + path);
  }
  auto control = node.connect();
  std::size_t total = 0;
  for (const Packet& packet : test::require(test::status_of(control))) {
    total += packet.get("content").size();
  }
  CHECK(total == 30 * content.size());
}

TEST_CASE("mount: a tree from the host, and a tmpfs") {
  std::filesystem::create_directories("/run/source");
  std::ofstream("/run/source/file") << "here\n";
  Node node("a");
  const UniqueFd directory = detached("/run/source");
  const UniqueFd single = detached("/run/source/file");
  const auto tree = [](const std::string& target) {
    return Packet().add("target", target).add("spec", "M").add("fd", "tree");
  };
  CHECK(node.ask("mount", tree("/data/dir"), {directory.get()}) == "ok");
  CHECK(node.out("cat /data/dir/file") == "here\n");
  CHECK(status_line(node, "mount")
            .starts_with("mount target=/data/dir spec=M present=1 read_only=0 device="));
  CHECK(node.ask("mount", tree("/data/file"), {single.get()}) == "ok");
  CHECK(node.out("cat /data/file") == "here\n");
  CHECK(node.ask("unmount", Packet().add("target", "/data/dir")) == "ok");
  CHECK(node.ask("unmount", Packet().add("target", "/data/file")) == "ok");
  CHECK(node.ask("mount",
                 Packet()
                     .add("target", "/t")
                     .add("tmpfs", "1")
                     .add("size", "65536")
                     .add("read_only", "1")) == "ok");
  CHECK(node.shell("touch /t/x").ending == "code=1");
  CHECK(status_line(node, "mount").starts_with("mount target=/t spec= present=1 read_only=1"));
  CHECK(status_line(node, "mount").ends_with(" bytes=65536 mode=493 owned=1"));
  const auto again = [](const std::string& size) {
    return Packet()
        .add("target", "/t")
        .add("tmpfs", "1")
        .add("size", size)
        .add("again", "1")
        .add("mode", "448");
  };
  CHECK(node.ask("mount", again("131072")) == "ok");
  CHECK(status_line(node, "mount").ends_with(" bytes=131072 mode=448 owned=1"));
  node.out("umount /t");
  CHECK(node.ask("mount", again("65536")) == "error what=nothing is mounted at /t errno=0");
  CHECK(status_line(node, "mount") == "mount target=/t spec= present=0 read_only=0");
  CHECK(node.ask("unmount", Packet().add("target", "/t")) == "ok");
  CHECK(status_line(node, "mount").empty());
}

TEST_CASE("file: in a directory of the host's it covers, and is not made") {
  std::filesystem::create_directories("/run/source/inner");
  std::ofstream("/run/source/file") << "the host's\n";
  std::ofstream("/run/source/inner/file") << "the host's\n";
  REQUIRE(::mount("/run/source/inner", "/run/source/inner", nullptr, MS_BIND, nullptr) == 0);
  Node node("a");
  const UniqueFd tree(
      ::open_tree(AT_FDCWD, "/run/source", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  CHECK(node.ask("mount", Packet().add("target", "/d").add("fd", "tree"), {tree.get()}) == "ok");
  node.out("ln -s /d/inner /aside");
  for (const std::string path : {"/d/file", "/d/inner/file", "/aside/file"}) {
    CAPTURE(path);
    CHECK(node.ask("write", file(path, "the lab's")) == "ok");
    CHECK(node.out("cat " + path) == "the lab's");
    CHECK(node.ask("write", file(path, "another")) == "ok");
    CHECK(node.out("cat " + path + "; grep -c /d/ /proc/mounts") == "another2\n");
    CHECK(node.ask("remove", file(path, "")) == "ok");
    CHECK(node.out("cat " + path) == "the host's\n");
  }
  CHECK(node.ask("write", file("/d/new", "x")).starts_with("error what=nslab makes no file"));
  CHECK(
      node.ask("write", file("/d/new/x", "x")).starts_with("error what=nslab makes no directory"));
  CHECK(node.ask("write", file("/aside/new/x", "x"))
            .starts_with("error what=nslab makes no directory"));
  CHECK(node.ask("mount", Packet().add("target", "/d/t").add("tmpfs", "1"))
            .starts_with("error what=nslab makes no place"));
  CHECK(node.ask("mkdir", Packet().add("path", "/d/inner").add("mode", "511"))
            .starts_with("error what=it would be changed on the host"));
  CHECK(node.ask("mount", Packet().add("target", "/d/inner").add("tmpfs", "1")) == "ok");
  CHECK(node.ask("write", file("/d/inner/own", "x")) == "ok at=/d/inner/own");
  REQUIRE(::umount("/run/source/inner") == 0);
  CHECK(std::distance(std::filesystem::recursive_directory_iterator("/run/source"), {}) == 3);
}

TEST_CASE("file: whatever is in its place gives way, but for the lab file's mounts") {
  Node node("a");
  for (const std::string thing :
       {"mkdir -p /opt/x/y/z; touch /opt/x/f",
        "mkfifo /opt/x",
        "touch /opt/x; mount --bind /etc/passwd /opt/x",
        "mkdir -p /opt/x/m; mount -t tmpfs m /opt/x/m; touch /opt/x/m/f"}) {
    CAPTURE(thing);
    node.out("rm -rf /opt/x; " + thing);
    CHECK(node.ask("write", file("/opt/x", "text")) == "ok at=/opt/x");
    CHECK(node.out("cat /opt/x") == "text");
  }
  node.out("rm /opt/x; mkdir /opt/x");
  CHECK(node.ask("mount", Packet().add("target", "/opt/x/m").add("tmpfs", "1")) == "ok");
  CHECK(
      node.ask("write", file("/opt/x", "text")).starts_with("error what=writing /opt/x errno=16"));
}

TEST_CASE("file: what cannot be mounted on it says why") {
  std::filesystem::create_directories("/run/source");
  std::ofstream("/run/source/file") << "here\n";
  Node node("a");
  const UniqueFd directory = detached("/run/source");
  const UniqueFd single = detached("/run/source/file");
  const auto at = [](const std::string& target) {
    return Packet().add("target", target).add("fd", "tree");
  };
  CHECK(node.ask("mount", at("/srv"), {single.get()}) ==
        "error what=a file cannot be mounted on a directory, which is what is at /srv errno=0");
  CHECK(node.ask("mount", at("/etc/passwd"), {directory.get()}) ==
        "error what=a directory cannot be mounted on a file, which is what is at /etc/passwd "
        "errno=0");
}

TEST_CASE("mount: inside a user namespace") {
  std::filesystem::create_directories("/run/source");
  const auto userns = test::require(kernel::create_userns(200000, 65536));
  Node node("a", [&](host::NodeRequest& request) {
    test::give(request, "user", UniqueFd(::dup(userns.get())));
  });
  const UniqueFd tree = detached("/run/source");
  CHECK(node.ask("mount", Packet().add("target", "/d").add("fd", "tree"), {tree.get()}) == "ok");
  CHECK(node.ask("mount", Packet().add("target", "/t").add("tmpfs", "1")) == "ok");
  CHECK(node.out("stat -c %u /t; mountpoint -q /d") == "0\n");
}

TEST_CASE("hostname and node: change in place") {
  Node node("a");
  CHECK(node.ask("hostname", Packet().add("name", "web-02")) == "ok");
  CHECK(node.out("hostname; cat /etc/hostname") == "web-02\nweb-02\n");
  CHECK(node.ask("node", Packet().add("spec", "S").add("env", "A=1").add("env", "B=2")) == "ok");
  CHECK(status_line(node, "node")
            .starts_with("node protocol=1 hostname=web-02 spec=S env=A=1 env=B=2 tmp_bytes="));
}

TEST_CASE("hostname: the host's is not changed") {
  Node node("a", [](host::NodeRequest& request) {
    test::replace(request, "clone", std::to_string(CLONE_NEWNS | CLONE_NEWPID));
  });
  CHECK(node.ask("hostname", Packet().add("name", "stolen")) ==
        "error what=the hostname is not the node's own errno=0");
}

TEST_CASE("control: nonsense is answered, and harms nobody") {
  Node node("a");
  CHECK(node.ask("no-such-verb", {}) == "error what=no such request errno=0");
  auto control = node.connect();
  for (const std::string_view bytes : {"garbage", "start", "\xff\xfe"}) {
    REQUIRE(::send(control.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0);
    CHECK(test::text_of(test::require(host::receive_packet(control.fd(), test::in_seconds(5)))) ==
          "error what=no such request errno=0");
  }
}

TEST_CASE("control: clients that do not read block nobody") {
  Node node("a");
  REQUIRE(node.ask("write", file("/etc/big", std::string(init::kMaxContent, 'x'))) ==
          "ok at=/etc/big");
  std::vector<host::Control> deaf;
  for (int i = 0; i < 20; ++i) {
    deaf.push_back(node.connect());
    for (int request = 0; request < 10; ++request) {
      (void)deaf.back().send("status", {});
    }
  }
  CHECK(node.shell("true").ending == "code=0");
}

TEST_CASE("control: more clients than it serves at once wait for their turn") {
  Node node("a");
  std::vector<host::Control> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(node.connect());
  }
  test::require(clients.back().send("no-such-verb", {}));
  clients.erase(clients.begin(), clients.begin() + 100);
  CHECK(test::require(host::receive_packet(clients.back().fd(), test::in_seconds(5))).verb ==
        "error");
}
