// What is done with packets: filtering, forwarding, handing them to a program.
#include <endian.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "kernel/netlink.h"
#include "kernel/netns.h"
#include "kernel/sysctl.h"
#include "probe/attempts.h"
#include "probe/child.h"
#include "probe/remedies.h"

namespace nslab::probe {
namespace {

// nf_tables takes changes as transactions: a message that begins one, and one that
// ends it, of which only newer kernels acknowledge the first and the last.
kernel::Message bracket(std::uint16_t type) {
  kernel::Message message(type, 0);
  message.put_header(nfgenmsg{
      .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htobe16(NFNL_SUBSYS_NFTABLES)});
  return message;
}

kernel::Message new_table() {
  kernel::Message message((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK);
  message.put_header(nfgenmsg{.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0, .res_id = 0});
  message.put_string(NFTA_TABLE_NAME, "tried");
  return message;
}

Result<void> create_table() {
  const std::string what = "creating an nftables table";
  NSLAB_ASSIGN(socket, kernel::Socket::open(NETLINK_NETFILTER));
  std::vector<std::byte> request;
  for (const kernel::Message& each :
       {bracket(NFNL_MSG_BATCH_BEGIN), new_table(), bracket(NFNL_MSG_BATCH_END)}) {
    const auto bytes = each.bytes();
    request.insert(request.end(), bytes.begin(), bytes.end());
    request.resize(NLMSG_ALIGN(request.size()));
  }
  const sockaddr_nl kernel_address{.nl_family = AF_NETLINK};
  if (::sendto(socket.fd(),
               request.data(),
               request.size(),
               0,
               reinterpret_cast<const sockaddr*>(&kernel_address),
               sizeof kernel_address) < 0) {
    return kernel_error(what, errno);
  }
  // The table's answer, or that of the transaction where it was refused as a whole.
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  const ssize_t size = ::recv(socket.fd(), answer.data(), answer.size(), 0);
  const auto* message = reinterpret_cast<const nlmsghdr*>(answer.data());
  const int* code =
      size < static_cast<ssize_t>(sizeof *message) ? nullptr : kernel::header_of<int>(*message);
  if (code == nullptr || message->nlmsg_type != NLMSG_ERROR) {
    return kernel_error(what, size < 0 ? errno : EBADMSG);
  }
  return *code == 0 ? Result<void>() : kernel_error(what, -*code);
}

Result<void> make_tun() {
  const UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  request.ifr_flags = IFF_TUN;
  if (!fd.valid() || ::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return kernel_error("making an interface by /dev/net/tun", errno);
  }
  return {};
}

Result<void> forward() {
  NSLAB_ASSIGN(here, kernel::current_namespace(kernel::Namespace::net));
  NSLAB_TRY(kernel::write_sysctl(here.get(), "net.ipv4.ip_forward", "1"));
  NSLAB_ASSIGN(value, kernel::read_sysctl(here.get(), "net.ipv4.ip_forward"));
  return value == "1" ? Result<void>() : kernel_error("turning it on", EIO);
}

Result<void> open_ipv6() {
  const UniqueFd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd.valid() ? Result<void>() : kernel_error("opening a socket", errno);
}

}  // namespace

Finding try_nftables(const Feature& /*feature*/) {
  return finding_of(create_table());
}

Finding try_tun(const Feature& /*feature*/) {
  const auto made = make_tun();
  Finding finding = finding_of(made);
  if (finding.state == State::missing) {
    finding.remedy = tun_remedy(made.error().os_error);
  }
  return finding;
}

Finding try_forwarding(const Feature& /*feature*/) {
  return finding_of(forward());
}

Finding try_ipv6(const Feature& /*feature*/) {
  Finding finding = finding_of(open_ipv6());
  if (finding.state == State::missing) {
    finding.remedy = ipv6_remedy();
  }
  return finding;
}

bool has_ipv6(const Feature& /*feature*/) {
  return open_ipv6().has_value();
}

}  // namespace nslab::probe
