#include "kernel/learnt.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "kernel/link.h"
#include "kernel/sysctl.h"

namespace nslab::kernel {
namespace {

// Another may have been quicker: the kernel itself, for one.
Result<void> execute(Socket& socket, const Batch& batch) {
  constexpr std::array kGone{ENOENT, ESRCH, ENODEV, ENXIO};
  for (Failure& failure : socket.execute(batch)) {
    if (std::ranges::find(kGone, failure.error.os_error) == kGone.end()) {
      return std::move(failure.error);
    }
  }
  return {};
}

// Learnt by the kernel, and by nobody else.
bool is_learnt(const ndmsg& header, const Attributes& attributes) {
  constexpr unsigned kMadeToStay = NUD_PERMANENT | NUD_NOARP;
  return header.ndm_state != NUD_NONE && (header.ndm_state & kMadeToStay) == 0 &&
         (header.ndm_flags & (NTF_EXT_LEARNED | NTF_PROXY)) == 0 &&
         attributes.u8(NDA_PROTOCOL) == 0;
}

Result<void> append_neighbours(Socket& socket, std::uint8_t family, Batch& batch) {
  Message request(RTM_GETNEIGH, 0);
  ndmsg asked{};
  asked.ndm_family = family;
  request.put_header(asked);
  return socket.dump(request, "listing neighbours", [&](const nlmsghdr& message) {
    const auto* header = header_of<ndmsg>(message);
    if (message.nlmsg_type != RTM_NEWNEIGH || header == nullptr || header->ndm_family != family) {
      return;
    }
    const Attributes attributes(message, sizeof *header, NDA_MAX);
    if (is_learnt(*header, attributes)) {
      Message removal(RTM_DELNEIGH, 0);
      ndmsg gone{};
      gone.ndm_family = family;
      gone.ndm_ifindex = header->ndm_ifindex;
      removal.put_header(gone);
      removal.put_bytes(NDA_DST, attributes.bytes(NDA_DST));
      batch.add(0, removal, "forgetting a neighbour");
    }
  });
}

// IPv4 has no such dump in older kernels, and no removal: the sysctl is for that. The kernel
// does not show it to a namespace that a user namespace owns.
Result<void> forget_ipv4_exceptions(int netns_fd) {
  auto written = write_sysctl(netns_fd, "net.ipv4.route.flush", "1");
  return !written && written.error().os_error == ENOENT ? Result<void>() : std::move(written);
}

void append_removal(const rtmsg& found, const Attributes& attributes, Batch& batch) {
  Message removal(RTM_DELROUTE, 0);
  rtmsg header = found;
  header.rtm_scope = RT_SCOPE_NOWHERE;
  header.rtm_protocol = RTPROT_UNSPEC;
  removal.put_header(header);
  removal.put_bytes(RTA_DST, attributes.bytes(RTA_DST));
  removal.put_u32(RTA_TABLE, attributes.u32(RTA_TABLE, found.rtm_table));
  if (attributes.find(RTA_OIF) != nullptr) {
    removal.put_u32(RTA_OIF, attributes.u32(RTA_OIF));
  }
  batch.add(0, removal, "forgetting a cached route");
}

Result<void> forget_ipv6_exceptions(Socket& socket) {
  Message request(RTM_GETROUTE, 0);
  rtmsg asked{};
  asked.rtm_family = AF_INET6;
  asked.rtm_flags = RTM_F_CLONED;
  request.put_header(asked);
  Batch batch;
  auto listed = socket.dump(request, "listing cached routes", [&](const nlmsghdr& message) {
    const auto* header = header_of<rtmsg>(message);
    if (message.nlmsg_type == RTM_NEWROUTE && header != nullptr && header->rtm_family == AF_INET6 &&
        (header->rtm_flags & RTM_F_CLONED) != 0) {
      append_removal(*header, Attributes(message, sizeof *header, RTA_MAX), batch);
    }
  });
  if (!listed) {
    return listed.error().os_error == ENOENT ? Result<void>() : std::move(listed);
  }
  return execute(socket, batch);
}

}  // namespace

Result<void> forget_neighbours(Socket& socket) {
  Batch batch;
  for (const std::uint8_t family : kFamilies) {
    NSLAB_TRY(append_neighbours(socket, family, batch));
  }
  return execute(socket, batch);
}

Result<void> forget_cached_routes(Socket& socket, int netns_fd) {
  NSLAB_TRY(forget_ipv4_exceptions(netns_fd));
  return forget_ipv6_exceptions(socket);
}

Result<void> forget_stations(Socket& socket) {
  NSLAB_ASSIGN(links, list_links(socket));
  Batch batch;
  for (const Link& link : links) {
    if (link.kind != "bridge") {
      continue;
    }
    Message message(RTM_NEWLINK, 0);
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(link.index);
    message.put_header(header);
    {
      const auto info = message.nest(IFLA_LINKINFO);
      message.put_string(IFLA_INFO_KIND, "bridge");
      const auto data = message.nest(IFLA_INFO_DATA);
      message.put_bytes(IFLA_BR_FDB_FLUSH, {});
    }
    batch.add(0, message, "forgetting the stations of bridge '" + link.name + "'");
  }
  return execute(socket, batch);
}

}  // namespace nslab::kernel
