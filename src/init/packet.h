// Packets on a socket; what is in them is in protocol.h.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "init/protocol.h"

namespace nslab::init {

// A packet that was received, with its descriptors.
class Packet {
 public:
  Packet() = default;

  // A packet made here, to be remembered.
  explicit Packet(const Writer& writer);

  // Takes the next packet off the socket: 0, or an errno. EAGAIN when there is
  // none, ENOTCONN when the other side is gone.
  int receive(int socket);

  [[nodiscard]] const Reader& fields() const { return reader_; }

  [[nodiscard]] std::string_view get(std::string_view key) const { return reader_.get(key); }

  // As a C string.
  [[nodiscard]] const char* text(std::string_view key) const { return reader_.get(key).data(); }

  // The descriptor of the field "fd=NAME"; -1 without one. It stays the packet's,
  // or becomes the caller's.
  [[nodiscard]] int fd(std::string_view name) const { return fds_[index_of(name)].get(); }

  UniqueFd take_fd(std::string_view name) { return std::move(fds_[index_of(name)]); }

  [[nodiscard]] std::string_view bytes() const { return {bytes_.get(), size_}; }

  void close_descriptors() { fds_ = {}; }

 private:
  // kMaxFds, where none ever is, for a name that did not come.
  [[nodiscard]] std::size_t index_of(std::string_view name) const;
  void take_descriptors(const msghdr& message);

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  Reader reader_;
  std::array<UniqueFd, kMaxFds + 1> fds_;
};

}  // namespace nslab::init
