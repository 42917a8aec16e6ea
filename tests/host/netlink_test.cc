#include "kernel/netlink.h"

#include <array>
#include <thread>

#include <catch2/catch.hpp>

#include "kernel/link.h"
#include "support/sandbox/net.h"

using namespace nslab;
using namespace nslab::kernel;
using nslab::test::Net;
using nslab::test::require;

TEST_CASE("netlink: a batch larger than one datagram is executed whole") {
  Net net;
  const auto failures = net.run([](Batch& batch) {
    for (std::size_t i = 0; i < 300; ++i) {
      append_bridge(batch, i, {.name = "br" + std::to_string(i), .up = false}, kNslabGroup);
    }
  });
  CHECK(failures.empty());
  CHECK(require(list_links(net.socket)).size() == 301);
}

TEST_CASE("netlink: a failed message stops no other and carries its own tag") {
  Net net;
  const auto failures = net.run([](Batch& batch) {
    append_bridge(batch, 7, {.name = "one"}, kNslabGroup);
    append_bridge(batch, 8, {.name = "one"}, kNslabGroup);
    append_bridge(batch, 9, {.name = "two"}, kNslabGroup);
  });
  CHECK(failures == std::vector<std::string>{"8: creating bridge 'one': File exists (EEXIST)"});
  CHECK(net.has_link("two"));
}

TEST_CASE("netlink: an error has the kernel's own words") {
  Net net;
  const auto failures = net.run(
      [](Batch& batch) { append_bridge(batch, 1, {.name = "lan", .mtu = 70000}, kNslabGroup); });
  CHECK(failures ==
        std::vector<std::string>{"1: creating bridge 'lan': mtu greater than device maximum: "
                                 "Invalid argument (EINVAL)",
                                 "1: setting the MTU of bridge 'lan': No such device (ENODEV)"});
}

TEST_CASE("netlink: a message that outgrows its buffer is refused before it is sent") {
  Net net;
  Batch batch;
  Message message(RTM_NEWLINK, 0);
  message.put_header(ifinfomsg{});
  message.put_string(IFLA_IFALIAS, std::string(5000, 'x'));
  batch.add(3, message, "naming everything");
  append_bridge(batch, 4, {.name = "lan"}, kNslabGroup);
  CHECK(test::texts_of(net.socket.execute(batch)) ==
        std::vector<std::string>{"3: naming everything: Message too long (EMSGSIZE)"});
  CHECK(net.has_link("lan"));
}

TEST_CASE("netlink: a dump that changed under way is asked for again") {
  Net net;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd kernels(ends[1]);
  REQUIRE(::dup2(ours.get(), net.socket.fd()) >= 0);

  struct Reply {
    nlmsghdr header{.nlmsg_len = sizeof(Reply), .nlmsg_type = RTM_NEWLINK};
    ifinfomsg link{};
  };

  std::thread kernel([&] {
    for (const int round : {1, 2}) {
      std::array<std::byte, 512> request{};
      if (::recv(kernels.get(), request.data(), request.size(), 0) <= 0) {
        return;
      }
      Reply reply;
      reply.header.nlmsg_seq = reinterpret_cast<const nlmsghdr*>(request.data())->nlmsg_seq;
      reply.header.nlmsg_flags = NLM_F_MULTI | (round == 1 ? NLM_F_DUMP_INTR : 0);
      reply.link.ifi_index = round;
      (void)::send(kernels.get(), &reply, sizeof reply, 0);
      reply.header.nlmsg_type = NLMSG_DONE;
      reply.header.nlmsg_flags = NLM_F_MULTI;
      reply.link = {};  // its first word is 0: no error
      (void)::send(kernels.get(), &reply, sizeof reply, 0);
    }
  });
  std::vector<int> seen;
  Message request(RTM_GETLINK, 0);
  request.put_header(ifinfomsg{});
  CHECK(net.socket.dump(request, "listing", [&](const nlmsghdr& message) {
    seen.push_back(header_of<ifinfomsg>(message)->ifi_index);
  }));
  (void)::shutdown(kernels.get(), SHUT_RDWR);
  kernel.join();
  CHECK(seen == std::vector<int>{2});
}

TEST_CASE("netlink: a dump that the kernel refuses says why") {
  Net net;
  Message request(RTM_GETLINK, 0);
  request.put_header(ifinfomsg{.ifi_index = 42});
  const auto result = net.socket.dump(request, "listing", [](const nlmsghdr&) {});
  CHECK(test::error_of(result) ==
        "listing: Filter by device index not supported for link dumps: Invalid argument (EINVAL)");
  CHECK(require(list_links(net.socket)).size() == 1);
}

TEST_CASE("netlink: one object is asked for, or why there is none is said") {
  Net net;
  Socket socket = require(open_socket_in(net.fd.get()));
  const auto ask = [&](int index) {
    Message request(RTM_GETLINK, 0);
    request.put_header(ifinfomsg{.ifi_index = index});
    int seen = 0;
    const auto got = socket.get(request, "asking for an interface", [&](const nlmsghdr& message) {
      seen += message.nlmsg_type == RTM_NEWLINK ? header_of<ifinfomsg>(message)->ifi_index : 100;
    });
    return got ? std::to_string(seen) : to_string(got.error());
  };
  CHECK(ask(1) == "1");
  CHECK(ask(77) == "asking for an interface: No such device (ENODEV)");
  CHECK(ask(1) == "1");
}

TEST_CASE("netlink: events arrive until the deadline") {
  Net net;
  auto events =
      require(in_netns(net.fd.get(), [] { return Socket::open(NETLINK_ROUTE, RTMGRP_LINK); }));
  CHECK_FALSE(require(events.wait_event(test::in_seconds(0), [](const nlmsghdr&) {})));
  CHECK(net.run([](Batch& batch) { append_bridge(batch, 0, {.name = "lan"}, 0); }).empty());
  int seen = 0;
  CHECK(require(events.wait_event(test::in_seconds(5),
                                  [&](const nlmsghdr& message) { seen = message.nlmsg_type; })));
  CHECK(seen == RTM_NEWLINK);
}
