// Netlink: messages built by libnl, sent and answered by us. libnl's own sockets
// turn an errno into codes of their own and drop the kernel's explanation.
//
// A socket works in the network namespace in which it was opened, for ever:
// that is how every other part of kernel/ knows where it acts.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

struct nl_msg;
struct nlattr;

namespace nslab::kernel {

// One request: the netlink header, the family's header, then attributes. A
// message that outgrows its buffer remembers it, and its sender reports it.
class Message {
 public:
  // NLM_F_REQUEST is added; NLM_F_ACK and NLM_F_DUMP are the socket's to add.
  Message(std::uint16_t type, std::uint16_t flags);

  // Appends a family's header (ifinfomsg, rtmsg, ...); once, before attributes.
  template <typename Header>
  void put_header(const Header& header) {
    static_assert(std::is_trivially_copyable_v<Header>);
    append(&header, sizeof header);
  }

  void put_u8(int attribute, std::uint8_t value);
  void put_u16(int attribute, std::uint16_t value);
  void put_u32(int attribute, std::uint32_t value);
  void put_string(int attribute, const std::string& value);
  void put_bytes(int attribute, std::span<const std::uint8_t> value);

  // An open nested attribute; what is put while it lives goes inside. Nests end
  // in the reverse order of their begin, as scopes do.
  class [[nodiscard]] Nest {
   public:
    Nest(nl_msg* message, nlattr* start) : message_(message), start_(start) {}

    ~Nest();
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;
    Nest(Nest&&) = delete;
    Nest& operator=(Nest&&) = delete;

   private:
    nl_msg* message_;
    nlattr* start_;
  };

  Nest nest(int attribute);

  // Appends raw bytes, padded to netlink's alignment: for a header in a nest.
  void append(const void* data, std::size_t size);

  [[nodiscard]] bool complete() const { return complete_; }

  [[nodiscard]] std::span<const std::byte> bytes() const;

 private:
  struct Free {
    void operator()(nl_msg* message) const;
  };

  void check(int libnl_code) { complete_ = complete_ && libnl_code == 0; }

  std::unique_ptr<nl_msg, Free> message_;
  bool complete_ = true;
};

// To be asked for one by one: for all at once the kernel locks out every other dump and
// change on the host (rtnl_dump_all()), for one of these Linux 6.18 does not; older
// kernels do for every dump. Without IPv6 the kernel takes AF_INET6 for all, so that what
// a reply is of has to be looked at.
inline constexpr std::array<std::uint8_t, 2> kFamilies{AF_INET, AF_INET6};

struct Failure {
  std::size_t tag = 0;
  Error error;
};

// Changes to be sent together, each with its caller's tag. Several messages may
// carry one tag: they are then one thing to the caller.
class Batch {
 public:
  // `what` is for the error, in the user's terms: "creating bridge 'lan'". A message that
  // the kernel answers with an errno of `forgiven` is as good as done.
  void add(std::size_t tag,
           const Message& message,
           std::string what,
           std::initializer_list<int> forgiven = {});

  [[nodiscard]] bool empty() const { return entries_.empty(); }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  friend class Socket;

  struct Entry {
    std::size_t tag = 0;
    std::size_t offset = 0;
    std::size_t size = 0;  // 0: the message was not complete and is not sent
    std::string what;
    std::vector<int> forgiven;
  };

  std::vector<Entry> entries_;
  std::vector<std::byte> bytes_;
};

using MessageVisitor = std::function<void(const nlmsghdr&)>;

class Socket {
 public:
  // In the calling thread's network namespace. `groups` is the bit mask of
  // multicast groups (RTMGRP_LINK, ...) whose events wait_event() delivers.
  static Result<Socket> open(int protocol = NETLINK_ROUTE, std::uint32_t groups = 0);

  // Sends every message and collects one acknowledgement each. One that failed
  // does not stop those after it. An acknowledgement that never came is a
  // failure as well (ENOBUFS or ETIMEDOUT), and the change may still have happened.
  [[nodiscard]] std::vector<Failure> execute(const Batch& batch);

  // Visits every object of a dump. A dump that changed under way is asked for
  // again, and nothing is visited before one is whole.
  Result<void> dump(const Message& request, std::string_view what, const MessageVisitor& visit);

  // Visits the one object that is asked for.
  Result<void> get(const Message& request, std::string_view what, const MessageVisitor& visit);

  // Waits for one datagram of events and visits its messages. False when the
  // deadline passed. Events that the kernel had to drop are an ENOBUFS error.
  Result<bool> wait_event(std::chrono::steady_clock::time_point deadline,
                          const MessageVisitor& visit);

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit Socket(UniqueFd fd);

  // Entries [first, last) of the batch, in one datagram.
  void execute_chunk(const Batch& batch,
                     std::size_t first,
                     std::size_t last,
                     std::vector<Failure>& failures);

  UniqueFd fd_;
  std::uint32_t sequence_ = 0;
};

// The payload after a reply's family header. Null when the reply is too short.
template <typename Header>
const Header* header_of(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Header))) {
    return nullptr;
  }
  return static_cast<const Header*>(NLMSG_DATA(&message));
}

// The attributes of a reply or of a nest, indexed by type; nullptr where absent.
class Attributes {
 public:
  // `header_size` is the size of the family's header, without padding.
  Attributes(const nlmsghdr& message, std::size_t header_size, int max_type);
  Attributes(const nlattr* nest, int max_type);

  [[nodiscard]] const nlattr* find(int type) const;
  // The value of an attribute of that size or longer, or `otherwise`.
  [[nodiscard]] std::uint8_t u8(int type, std::uint8_t otherwise = 0) const;
  [[nodiscard]] std::uint32_t u32(int type, std::uint32_t otherwise = 0) const;
  [[nodiscard]] std::string string(int type) const;
  [[nodiscard]] std::span<const std::uint8_t> bytes(int type) const;
  [[nodiscard]] Attributes nested(int type, int max_type) const;

 private:
  // No family has more types than interfaces do.
  std::array<nlattr*, 80> table_{};
};

}  // namespace nslab::kernel
