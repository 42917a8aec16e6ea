// Addresses as values: IPv4 and IPv6 addresses, prefixes and MAC addresses.
// Parsing is strict (no octal, no missing parts) and says nothing of where the
// text stood; callers add the position.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nslab {

class IpAddress {
 public:
  IpAddress() = default;

  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
  // 4 or 16 bytes in network order, as netlink carries them.
  static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);
  static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v6() const { return v6_; }

  [[nodiscard]] unsigned bits() const { return v6_ ? 128 : 32; }

  // Network order; 4 or 16 bytes.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return {bytes_.data(), v6_ ? std::size_t{16} : std::size_t{4}};
  }

  // The address `offset` places further; nothing on overflow of the family.
  [[nodiscard]] std::optional<IpAddress> plus(std::uint64_t offset) const;

  // Sets every bit after the first `length` to 0 (or to 1).
  [[nodiscard]] IpAddress masked(unsigned length, bool ones = false) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

std::string to_string(const IpAddress& address);

// An address with a prefix length. Host bits may be set: an interface's
// address is one of these, and so is a subnet (with none set).
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 0;

  static std::optional<IpPrefix> parse(std::string_view text);  // needs the "/length"

  [[nodiscard]] IpPrefix network() const { return {address.masked(length), length}; }

  [[nodiscard]] bool contains(const IpAddress& other) const {
    return other.is_v6() == address.is_v6() && other.masked(length) == address.masked(length);
  }

  [[nodiscard]] bool overlaps(const IpPrefix& other) const {
    return contains(other.address) || other.contains(address);
  }

  auto operator<=>(const IpPrefix&) const = default;
};

std::string to_string(const IpPrefix& prefix);

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  static std::optional<MacAddress> parse(std::string_view text);  // six pairs with colons

  [[nodiscard]] bool is_zero() const { return bytes == std::array<std::uint8_t, 6>{}; }

  [[nodiscard]] bool is_multicast() const { return (bytes[0] & 1U) != 0; }

  auto operator<=>(const MacAddress&) const = default;
};

std::string to_string(const MacAddress& mac);

}  // namespace nslab
