// Tells when network namespaces are really gone: their names and processes go at once,
// the kernel dismantles them later, a batch at a time on one ordered queue.
//
//   watch < PATHS
//
// opens each path once, says "armed", and prints the time (CLOCK_MONOTONIC, in seconds)
// at which the last of these namespaces had been dismantled.
//
// Each gets a number in a namespace of ours, which the kernel takes back when it begins
// with the batch that the namespace is in. When it has begun with the last, a sentinel
// namespace is let go: that comes in a later batch, and with it our end of its cable goes.
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <sched.h>

#include <chrono>
#include <iostream>

#include "netlink.h"

namespace bench {
namespace {

constexpr int kWatched = 2;         // the index of our end of the sentinel's cable
constexpr int kFirstNumber = 1000;  // above what the kernel hands out for the cable

int open_netns(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fail("opening " + path);
  }
  return fd;
}

void give_number(Socket& socket, int netns, int number) {
  Messages messages;
  messages.begin(RTM_NEWNSID, 0, rtgenmsg{.rtgen_family = AF_UNSPEC});
  messages.add(NETNSA_FD, static_cast<std::uint32_t>(netns));
  messages.add(NETNSA_NSID, static_cast<std::uint32_t>(number));
  messages.end();
  socket.send(messages, "numbering a network namespace");
}

// The number that the kernel takes back; nothing in other messages.
int taken_back(const nlmsghdr& message) {
  const auto* header = reinterpret_cast<const char*>(&message + 1);
  const auto* attribute = reinterpret_cast<const rtattr*>(header + NLMSG_ALIGN(sizeof(rtgenmsg)));
  return message.nlmsg_type == RTM_DELNSID && attribute->rta_type == NETNSA_NSID
             ? *static_cast<const int*>(RTA_DATA(attribute))
             : 0;
}

// Returns the sentinel; we keep the other end of its cable.
int plant_sentinel(Socket& socket, int home) {
  if (::unshare(CLONE_NEWNET) != 0) {
    fail("making a network namespace");
  }
  const int sentinel = open_netns("/proc/thread-self/ns/net");
  if (::setns(home, CLONE_NEWNET) != 0) {
    fail("returning");
  }
  Messages messages;
  add_veth(messages,
           {.name = "watched", .index = kWatched},
           {.name = "sentinel", .netns = sentinel},
           false);
  socket.send(messages, "making the sentinel's cable");
  return sentinel;
}

int main() {
  if (::unshare(CLONE_NEWNET) != 0) {
    fail("making a network namespace");
  }
  const int home = open_netns("/proc/thread-self/ns/net");
  Socket requests;
  Socket links(RTNLGRP_LINK);
  const int sentinel = plant_sentinel(requests, home);
  Socket numbers(RTNLGRP_NSID);
  int left = 0;
  for (std::string path; std::getline(std::cin, path);) {
    const int netns = open_netns(path);
    give_number(requests, netns, kFirstNumber + left++);
    ::close(netns);
  }
  std::cout << "armed" << std::endl;
  while (left > 0) {
    numbers.receive(
        0, [&](const nlmsghdr& message) { left -= taken_back(message) >= kFirstNumber ? 1 : 0; });
  }
  ::close(sentinel);
  for (bool gone = false; !gone;) {
    links.receive(0, [&](const nlmsghdr& message) {
      const auto* link = reinterpret_cast<const ifinfomsg*>(&message + 1);
      gone = gone || (message.nlmsg_type == RTM_DELLINK && link->ifi_index == kWatched);
    });
  }
  std::cout
      << std::fixed
      << std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count()
      << std::endl;
  return 0;
}

}  // namespace
}  // namespace bench

int main() {
  return bench::main();
}
