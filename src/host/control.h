// The host's side of the conversation with a node's init; what is said is in
// init/protocol.h.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "init/protocol.h"

namespace nslab::host {

// One packet: its verb, and its keys with their values, in order.
struct Packet {
  std::string verb;
  std::vector<std::pair<std::string, std::string>> fields;

  // The first value of a key; empty when it is not there.
  [[nodiscard]] std::string_view get(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] long number(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view key) const;

  Packet& add(std::string_view key, std::string value);
  Packet& add_all(std::string_view key, const std::vector<std::string>& values);
};

// Sends a packet on a SOCK_SEQPACKET socket, with descriptors for its `fd` keys.
Result<void> send_packet(int socket, const Packet& packet, std::span<const int> fds = {});
// Waits for the next packet, until the deadline. ETIMEDOUT when it passes, ECONNRESET
// when the other side is gone.
Result<Packet> receive_packet(int socket, std::chrono::steady_clock::time_point deadline);

// Whether the error says that there is no init, or no longer.
bool is_gone(const Error& error);

// A socket of an init, at a path of any length: an address has room for 108 bytes, and
// names may have 63 each. Not yet listening: the init listens, so that its identity is
// what a client sees.
Result<UniqueFd> bind_control_socket(const std::string& path);

class Control {
 public:
  // Fails with not_found when nobody listens: the node is down; with ETIMEDOUT where so many
  // wait already that the init must hang.
  static Result<Control> connect(const std::string& socket_path);

  // The init's process number as the caller sees it. Valid while the connection
  // lives: it is that of the process that listens.
  [[nodiscard]] pid_t init_pid() const { return init_pid_; }

  // The init itself, whatever becomes of its number. ESRCH where it has ended.
  [[nodiscard]] Result<UniqueFd> open_init() const;

  [[nodiscard]] int fd() const { return socket_.get(); }

  // Sends a request and waits for its one reply; a reply that reports a failure
  // becomes an error.
  Result<Packet> request(std::string_view verb,
                         Packet fields,
                         std::span<const int> fds = {},
                         std::chrono::milliseconds patience = kPatience);

  // The two halves of request(), for many nodes at once.
  Result<void> send(std::string_view verb, Packet fields, std::span<const int> fds = {});
  Result<Packet> receive(std::chrono::steady_clock::time_point deadline);

  // Whether there is an answer, or will be none, by then and before the other descriptor can
  // be read.
  [[nodiscard]] bool wait(std::chrono::steady_clock::time_point deadline, int other = -1) const;

  // What there is in the node. Asking is the connection's last request; in two halves,
  // for many nodes at once.
  Result<void> ask_status();
  Result<std::vector<Packet>> hear_status(std::chrono::milliseconds patience = kPatience);

  // An init that lives answers what it need only look at within milliseconds. One that says
  // nothing for so long hangs: it is stopped, frozen, or its own root took something from it.
  static constexpr std::chrono::milliseconds kToAnswer{3000};
  // Longer than anything that an init does not itself bound.
  static constexpr std::chrono::milliseconds kPatience{60000};

 private:
  Control(UniqueFd socket, pid_t init_pid) : socket_(std::move(socket)), init_pid_(init_pid) {}

  UniqueFd socket_;
  pid_t init_pid_ = 0;
};

}  // namespace nslab::host
