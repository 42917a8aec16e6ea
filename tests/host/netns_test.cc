#include "kernel/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "kernel/sysctl.h"
#include "support/sandbox/net.h"

using namespace nslab;
using namespace nslab::kernel;
using nslab::test::error_of;
using nslab::test::in_seconds;
using nslab::test::Net;
using nslab::test::require;

namespace {

std::uint64_t own_netns() {
  return require(namespace_inode(require(current_namespace(Namespace::net)).get()));
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("netns: work in another namespace ends in one's own") {
  Net net;
  const auto home = own_netns();
  const auto there =
      require(in_netns(net.fd.get(), []() -> Result<std::uint64_t> { return own_netns(); }));
  CHECK(there == require(namespace_inode(net.fd.get())));
  CHECK(there != home);
  CHECK(own_netns() == home);
}

TEST_CASE("netns: entering what is no network namespace is an error, at home") {
  const auto home = own_netns();
  const auto uts = require(current_namespace(Namespace::uts));
  CHECK(error_of(in_netns(uts.get(), []() -> Result<void> { return {}; })) ==
        "entering a net namespace: Invalid argument (EINVAL)");
  CHECK(own_netns() == home);
}

TEST_CASE("netns: cookies differ and stay") {
  Net one;
  Net two;
  CHECK(require(netns_cookie(one.fd.get())) == require(netns_cookie(one.fd.get())));
  CHECK(require(netns_cookie(one.fd.get())) != require(netns_cookie(two.fd.get())));
}

TEST_CASE("netns: a file is opened as a namespace of its type only") {
  CHECK(open_namespace_file("/proc/self/ns/net", Namespace::net));
  CHECK(error_of(open_namespace_file("/proc/self/ns/uts", Namespace::net)) ==
        "'/proc/self/ns/uts' is not a net namespace");
  CHECK(error_of(open_namespace_file("/proc/version", Namespace::net)) ==
        "'/proc/version' is not a net namespace");
  CHECK(error_of(open_namespace_file("/run/none", Namespace::net)) ==
        "opening namespace '/run/none': No such file or directory (ENOENT)");
  CHECK(error_of(open_namespace(4000000, Namespace::pid)) ==
        "opening the pid namespace of process 4000000: No such file or directory (ENOENT)");
}

TEST_CASE("netns: a lowered loopback is raised") {
  Net net;
  REQUIRE(net.run([](Batch& batch) { append_link_settings(batch, 0, kLoopback, {.up = false}); })
              .empty());
  REQUIRE_FALSE(net.link("lo").up);
  require(raise_loopback(net.socket));
  CHECK(net.link("lo").up);
}

TEST_CASE("userns: ids are mapped, and a network namespace belongs to it") {
  const auto userns = require(create_userns(100000, 65536));
  auto netns = require(create_netns_in_userns(userns.get()));
  const UniqueFd owner(::ioctl(netns.ns.get(), NS_GET_USERNS));
  REQUIRE(owner.valid());
  CHECK(require(namespace_inode(owner.get())) == require(namespace_inode(userns.get())));
  CHECK(require(list_links(netns.socket)).at(0).up);
}

TEST_CASE("userns: an impossible map is an error") {
  CHECK(error_of(create_userns(0xffffffff, 2)) ==
        "writing the id map of a user namespace: Invalid argument (EINVAL)");
}

TEST_CASE("netns: released namespaces are gone when the wait returns") {
  // A namespace counts against its user's limit until the kernel is done with it.
  Net watch;
  for (int round = 0; round < 3; ++round) {
    std::vector<Net> nets(20);
    for (auto& net : nets) {
      REQUIRE(watch
                  .run([&](Batch& batch) {
                    append_veth(batch,
                                0,
                                {.name = "w" + std::to_string(net.fd.get())},
                                {.netns_fd = net.fd.get(), .name = "eth0"},
                                kNslabGroup);
                  })
                  .empty());
    }
    nets.clear();
    require(wait_until_released(in_seconds(20)));
    CHECK(require(list_links(watch.socket)).size() == 1);
  }
}

TEST_CASE("netns: waiting for the release has a bound") {
  CHECK(error_of(wait_until_released(in_seconds(0))) ==
        "waiting for network namespaces to be released: Connection timed out (ETIMEDOUT)");
}

TEST_CASE("sysctl: keys become paths as sysctl(8) reads them") {
  CHECK(sysctl_path("net.ipv4.ip_forward") == "/proc/sys/net/ipv4/ip_forward");
  CHECK(sysctl_path("net.ipv4.conf.eth0/1.mtu") == "/proc/sys/net/ipv4/conf/eth0.1/mtu");
  CHECK(sysctl_path("net/ipv4/conf/eth0.1/mtu") == "/proc/sys/net/ipv4/conf/eth0.1/mtu");
  CHECK(sysctl_path("net.ipv4.//.x").empty());
  CHECK(sysctl_path("net/../kernel/hostname").empty());
  CHECK(sysctl_path("net..x").empty());
  CHECK(sysctl_path("net").empty());
  CHECK(sysctl_path("").empty());
}

TEST_CASE("sysctl: a value is set in the namespace and not beside it") {
  Net one;
  Net two;
  require(write_sysctl(one.fd.get(), "net.ipv4.ip_forward", "1"));
  CHECK(require(read_sysctl(one.fd.get(), "net.ipv4.ip_forward")) == "1");
  CHECK(require(read_sysctl(two.fd.get(), "net.ipv4.ip_forward")) == "0");
  require(write_sysctl(one.fd.get(), "net.ipv4.ip_local_port_range", "20000 30000"));
  CHECK(require(read_sysctl(one.fd.get(), "net.ipv4.ip_local_port_range")) == "20000 30000");
}

TEST_CASE("sysctl: what netlink says is what the file says") {
  for (const char* key : {"net.ipv4.ip_forward",
                          "net.ipv4.conf.all.forwarding",
                          "net.ipv6.conf.all.forwarding",
                          "net.ipv4.ip_default_ttl"}) {
    Net net;
    Socket socket = require(open_socket_in(net.fd.get()));
    for (const char* value : {"1", "0"}) {
      require(
          write_sysctl(net.fd.get(), key, std::string_view(key).ends_with("ttl") ? "77" : value));
      CHECK(require(read_sysctl(socket, net.fd.get(), key)) ==
            require(read_sysctl(net.fd.get(), key)));
    }
  }
}

TEST_CASE("sysctl: an IPC namespace's own") {
  const auto ipc = require(current_namespace(Namespace::ipc));
  require(write_sysctl(ipc.get(), "kernel.shmmni", "77"));
  CHECK(require(read_sysctl(ipc.get(), "kernel.shmmni")) == "77");
  CHECK(content_of("/proc/sys/kernel/shmmni") == "77\n");
}

TEST_CASE("sysctl: what cannot be is an error that names the key") {
  Net net;
  CHECK(error_of(read_sysctl(net.fd.get(), "net.ipv4.nothing")) ==
        "reading sysctl 'net.ipv4.nothing': No such file or directory (ENOENT)");
  CHECK(error_of(write_sysctl(net.fd.get(), "net.ipv4.ip_forward", "many")) ==
        "setting sysctl 'net.ipv4.ip_forward' to 'many': Invalid argument (EINVAL)");
  CHECK(error_of(write_sysctl(net.fd.get(), "kernel.sysrq", "1")) ==
        "sysctl 'kernel.sysrq' belongs to no network or IPC namespace");
}
