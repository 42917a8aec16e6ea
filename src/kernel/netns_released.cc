// Waiting for network namespaces to be gone (netns.h).
//
// The kernel dismantles namespaces that lost their last reference on one ordered
// work queue, a batch at a time. A sentinel namespace that is released now is
// therefore dismantled with or after everything released before. It holds one
// end of a veth whose other end stands in a namespace that we listen in: that
// end disappears when the sentinel's devices, and so those of all before it, are
// gone. What a batch does after its devices (the rest of the namespaces, the
// counts that limit a user's namespaces) is over when a second sentinel, released
// only then, is gone as well.
#include <linux/rtnetlink.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "kernel/link.h"
#include "kernel/netns.h"

namespace nslab::kernel {

namespace {

using Deadline = std::chrono::steady_clock::time_point;

// By its name: the kernel numbers interfaces as it likes, where modules have put some into
// the new namespace before ours (is_fallback_tunnel()).
Result<void> wait_for_deletion(Socket& events, const std::string& interface, Deadline deadline) {
  bool gone = false;
  while (!gone) {
    NSLAB_ASSIGN(in_time, events.wait_event(deadline, [&](const nlmsghdr& message) {
      const auto* header = header_of<ifinfomsg>(message);
      gone =
          gone || (message.nlmsg_type == RTM_DELLINK && header != nullptr &&
                   Attributes(message, sizeof *header, IFLA_MAX).string(IFLA_IFNAME) == interface);
    }));
    if (!in_time) {
      return kernel_error("waiting for network namespaces to be released", ETIMEDOUT);
    }
  }
  return {};
}

// Our end has this name in `watch`, the sentinel's namespace is the value.
Result<UniqueFd> plant_sentinel(Socket& watch, const std::string& interface) {
  NSLAB_ASSIGN(sentinel, create_netns());
  Batch batch;
  append_veth(batch,
              0,
              {.name = interface},
              {.netns_fd = sentinel.ns.get(), .name = "sentinel"},
              kNslabGroup);
  if (auto failures = watch.execute(batch); !failures.empty()) {
    return std::move(failures.front().error);
  }
  return std::move(sentinel.ns);
}

}  // namespace

Result<void> wait_until_released(Deadline deadline) {
  NSLAB_ASSIGN(watch, create_netns());
  NSLAB_ASSIGN(events,
               in_netns(watch.ns.get(), [] { return Socket::open(NETLINK_ROUTE, RTMGRP_LINK); }));
  for (const char* interface : {"first", "second"}) {
    NSLAB_ASSIGN(sentinel, plant_sentinel(watch.socket, interface));
    sentinel.reset();
    NSLAB_TRY(wait_for_deletion(events, interface, deadline));
  }
  return {};
}

}  // namespace nslab::kernel
