// Rtnetlink messages for the floor: built into one buffer, sent with one call, and
// answered with errors only. The first error ends the program: a floor of which
// something is missing is no floor.
#pragma once

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(const std::string& what, int error = errno) {
  (void)std::fprintf(stderr, "floor: %s: %s\n", what.c_str(), std::strerror(error));
  std::exit(1);
}

class Messages {
 public:
  template <typename Header>
  void begin(std::uint16_t type, std::uint16_t flags, const Header& header) {
    start_ = bytes_.size();
    const nlmsghdr message{.nlmsg_type = type, .nlmsg_flags = std::uint16_t(NLM_F_REQUEST | flags)};
    append(&message, sizeof message);
    append(&header, sizeof header);
  }

  void end() { at<nlmsghdr>(start_)->nlmsg_len = std::uint32_t(bytes_.size() - start_); }

  void add(std::uint16_t type, const void* value, std::size_t size) {
    const rtattr attribute{.rta_len = std::uint16_t(RTA_LENGTH(size)), .rta_type = type};
    append(&attribute, sizeof attribute);
    append(value, size);
  }

  void add(std::uint16_t type, std::uint32_t value) { add(type, &value, sizeof value); }

  void add_byte(std::uint16_t type, std::uint8_t value) { add(type, &value, sizeof value); }

  void add(std::uint16_t type, const std::string& text) {
    add(type, text.c_str(), text.size() + 1);
  }

  // Attributes up to the matching close() are inside this one.
  std::size_t open(std::uint16_t type) {
    const std::size_t place = bytes_.size();
    add(type, nullptr, 0);
    return place;
  }

  void close(std::size_t place) {
    at<rtattr>(place)->rta_len = std::uint16_t(bytes_.size() - place);
  }

  // Part of an attribute: veth's peer begins with a header.
  template <typename Header>
  void put(const Header& header) {
    append(&header, sizeof header);
  }

  void clear() { bytes_.clear(); }

  [[nodiscard]] const std::vector<char>& bytes() const { return bytes_; }

 private:
  template <typename T>
  T* at(std::size_t place) {
    return reinterpret_cast<T*>(bytes_.data() + place);
  }

  void append(const void* data, std::size_t size) {
    const std::size_t place = bytes_.size();
    bytes_.resize(place + NLMSG_ALIGN(size));
    if (size > 0) {
      std::memcpy(bytes_.data() + place, data, size);
    }
  }

  std::vector<char> bytes_;
  std::size_t start_ = 0;
};

// In the network namespace of the thread that makes it.
class Socket {
 public:
  explicit Socket(unsigned group = 0)
      : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    const int size = 64 << 20;
    const sockaddr_nl any{.nl_family = AF_NETLINK};  // without an address it hears nothing
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0 ||
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
      fail("opening a netlink socket");
    }
    if (group != 0 &&
        ::setsockopt(fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      fail("listening to netlink");
    }
  }

  ~Socket() { ::close(fd_); }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // The kernel is done with all of them when this returns.
  void send(Messages& messages, const char* what) {
    const std::vector<char>& bytes = messages.bytes();
    if (!bytes.empty() && ::send(fd_, bytes.data(), bytes.size(), 0) < 0) {
      fail(what);
    }
    messages.clear();
    receive(MSG_DONTWAIT, [&](const nlmsghdr& message) {
      if (message.nlmsg_type == NLMSG_ERROR) {
        const int error = reinterpret_cast<const nlmsgerr*>(&message + 1)->error;
        if (error != 0) {
          fail(what, -error);
        }
      }
    });
  }

  // One datagram's messages; false when there is none.
  template <typename Function>
  bool receive(int flags, Function function) {
    alignas(nlmsghdr) std::array<char, 32768> buffer;
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), flags);
    auto left = static_cast<unsigned>(size < 0 ? 0 : size);
    for (auto* each = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(each, left);
         each = NLMSG_NEXT(each, left)) {
      function(*each);
    }
    return size > 0;
  }

 private:
  int fd_;
};

// One end of a veth pair, as far as the kernel is told.
struct End {
  std::string name;
  std::string mac;  // six bytes
  int netns = -1;   // of the socket, if none
  int index = 0;    // the kernel's choice, if none
  int bridge = 0;
};

inline void add_end(Messages& messages, const End& end) {
  messages.add(IFLA_IFNAME, end.name);
  if (!end.mac.empty()) {
    messages.add(IFLA_ADDRESS, end.mac.data(), end.mac.size());
  }
  if (end.netns >= 0) {
    messages.add(IFLA_NET_NS_FD, std::uint32_t(end.netns));
  }
  if (end.bridge != 0) {
    messages.add(IFLA_MASTER, std::uint32_t(end.bridge));
  }
  messages.add(IFLA_NUM_TX_QUEUES, 1);
  messages.add(IFLA_NUM_RX_QUEUES, 1);
}

// The first end can be up at once; its peer cannot.
inline void add_veth(Messages& messages, const End& first, const End& peer, bool up) {
  const unsigned flags = up ? IFF_UP : 0;
  messages.begin(RTM_NEWLINK,
                 NLM_F_CREATE | NLM_F_EXCL,
                 ifinfomsg{.ifi_index = first.index, .ifi_flags = flags, .ifi_change = flags});
  add_end(messages, first);
  const std::size_t info = messages.open(IFLA_LINKINFO);
  messages.add(IFLA_INFO_KIND, std::string("veth"));
  const std::size_t data = messages.open(IFLA_INFO_DATA);
  const std::size_t other = messages.open(1);  // VETH_INFO_PEER
  messages.put(ifinfomsg{.ifi_index = peer.index});
  add_end(messages, peer);
  messages.close(other);
  messages.close(data);
  messages.close(info);
  messages.end();
}

}  // namespace bench
