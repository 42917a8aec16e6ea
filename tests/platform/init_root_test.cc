// What a node sees as its root, and what it cannot touch.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "platform/node.h"
#include "support/sandbox/net.h"

using namespace nslab;
using nslab::test::give;
using nslab::test::Node;
using nslab::test::open_file;
using nslab::test::replace;
using nslab::test::require;

TEST_CASE("root: what a node writes is its own") {
  Node node("a");
  CHECK(node.out("touch /etc/of-the-node && cat /etc/hostname") == "a\n");
  CHECK_FALSE(std::filesystem::exists("/etc/of-the-node"));
  CHECK(std::filesystem::exists(node.directory() + "/upper/etc/of-the-node"));
  CHECK(node.out("ls -A /run /tmp | tr -d '\\n'") == "/run:/tmp:");
}

TEST_CASE("root: the devices that programs expect, and no others") {
  Node node("a");
  CHECK(node.out("ls -A /dev | tr '\\n' ' '") ==
        "fd full mqueue net null ptmx pts random shm stderr stdin stdout tty urandom zero ");
  CHECK(node.out("head -c 2 /dev/zero | od -An -tx1; test -c /dev/net/tun; echo x > /dev/null") ==
        " 00 00\n");
  CHECK(node.out("stat -c %A /dev/null /dev/shm /dev/pts/ptmx") ==
        "crw-rw-rw-\ndrwxrwxrwt\ncrw-rw-rw-\n");
  CHECK(node.shell("mknod /tmp/disk b 8 0").ending == "code=1");
}

TEST_CASE("root: the network's sysctls are the node's, the rest is read-only") {
  Node node("a");
  CHECK(node.out("echo 1 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward") ==
        "1\n");
  for (const char* path : {"/proc/sys/kernel/panic", "/sys/kernel/uevent_seqnum"}) {
    const auto finished = node.shell(std::string("echo 1 > ") + path);
    INFO(path << finished.output);
    CHECK(finished.ending != "code=0");
  }
  CHECK(node.out("grep -c ' ro,' /proc/self/mountinfo | grep -qv '^0'").empty());
}

TEST_CASE("root: the host's mounts are gone, and its processes") {
  Node node("a");
  CHECK(node.out("ps -A -o pid= | head -1 | tr -d ' '") == "1\n");
  CHECK(node.out("cat /proc/1/comm") == "nslab-init\n");
  CHECK(node.shell("grep -q ' /run/nslab' /proc/self/mountinfo").ending == "code=1");
  CHECK(node.out("ls /proc/1/fd | tr '\\n' ' '").starts_with("0 1 2 3 4 "));
}

TEST_CASE("root: dangerous capabilities are dropped, useful ones kept") {
  Node node("a");
  CHECK(node.shell("date -s 2001-01-01").ending == "code=1");
  CHECK(node.out("unshare -m true; mount -t tmpfs none /mnt; ip link set lo up").empty());
  CHECK(node.out("grep -c 'NoNewPrivs:.0' /proc/self/status") == "1\n");
}

TEST_CASE("root: layers, topmost first, with any character in their paths") {
  const std::string lower = "/run/nslab/a:b,c\\d";
  std::filesystem::create_directories(lower + "/etc");
  std::ofstream(lower + "/etc/of-the-layer") << "upper\n";
  Node node("a", [&](host::NodeRequest& request) {
    replace(request, "lower", lower);
    request.packet.add("lower", "/");
  });
  CHECK(node.out("cat /etc/of-the-layer; test -e /etc/passwd") == "upper\n");
}

TEST_CASE("root: a further file system below it has a layer of its own") {
  REQUIRE(::mount("none", "/mnt", "tmpfs", 0, nullptr) == 0);
  std::ofstream("/mnt/file") << "lower\n";
  const std::string layer = "/run/nslab/layer";
  std::filesystem::create_directories(layer + "/upper");
  std::filesystem::create_directories(layer + "/work");
  {
    Node node("a", [&](host::NodeRequest& request) {
      request.packet.add("layer", "/mnt\t/mnt\t" + layer + "/upper\t" + layer + "/work");
    });
    CHECK(node.out("cat /mnt/file; echo new > /mnt/file") == "lower\n");
  }
  std::string word;
  std::ifstream("/mnt/file") >> word;
  CHECK(word == "lower");
  REQUIRE(::umount("/mnt") == 0);
}

TEST_CASE("root: a bare directory is enough") {
  std::filesystem::create_directories("/run/nslab/bare");
  Node node("a", [](host::NodeRequest& request) { replace(request, "lower", "/run/nslab/bare"); });
  CHECK(node.error().empty());
  CHECK(std::filesystem::exists(node.directory() + "/upper/proc"));
}

TEST_CASE("root: the host's own, with fresh views of the node's namespaces") {
  Node node("a", [](host::NodeRequest& request) { replace(request, "root", "host"); });
  CHECK(node.out("cat /proc/1/comm; hostname; test -d /run/nslab") == "nslab-init\na\n");
  CHECK(node.shell("echo 1 > /proc/sys/kernel/panic").ending != "code=0");
  std::string hostname;
  std::ifstream("/etc/hostname") >> hostname;
  CHECK(hostname != "a");
}

TEST_CASE("root: without a mount namespace nothing is mounted") {
  Node node("a", [](host::NodeRequest& request) {
    replace(request, "clone", std::to_string(CLONE_NEWUTS));
    replace(request, "root", "");
  });
  CHECK(node.out("readlink /proc/self/ns/mnt") ==
        std::filesystem::read_symlink("/proc/self/ns/mnt").string() + "\n");
}

TEST_CASE("root: of a user namespace owns its files, as nobody outside") {
  constexpr std::uint32_t kFirst = 200000;
  const auto userns = require(kernel::create_userns(kFirst, 65536));
  Node node("a", [&](host::NodeRequest& request) {
    give(request, "net", require(kernel::create_netns_in_userns(userns.get())).ns);
    give(request, "user", UniqueFd(::dup(userns.get())));
  });
  CHECK(node.out("id -u; touch /etc/x; stat -c %u / /etc /etc/x /dev/null /dev/pts/ptmx | uniq") ==
        "0\n0\n");
  CHECK(node.out("ip link set lo up; echo 1 > /proc/sys/net/ipv4/ip_forward").empty());
  CHECK(node.shell("umount /proc/sys").ending != "code=0");

  struct stat info {};

  REQUIRE(::stat((node.directory() + "/upper/etc/x").c_str(), &info) == 0);
  CHECK(info.st_uid == kFirst);
}
