#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace nslab {

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  for (unsigned i = 0; i < 4; ++i) {
    address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  }
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress address;
  address.v6_ = true;
  address.bytes_ = bytes;
  return address;
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) {
    return std::nullopt;
  }
  IpAddress address;
  address.v6_ = bytes.size() == 16;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) {
    return std::nullopt;  // inet_pton would not see what follows
  }
  const bool v6 = text.find(':') != std::string_view::npos;
  IpAddress address;
  address.v6_ = v6;
  // inet_pton is strict: four decimal parts without leading zeros, no host names.
  if (inet_pton(v6 ? AF_INET6 : AF_INET, terminated.c_str(), address.bytes_.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

std::optional<IpAddress> IpAddress::plus(std::uint64_t offset) const {
  IpAddress sum = *this;
  std::uint64_t carry = offset;
  for (std::size_t i = bytes().size(); i-- > 0 && carry != 0;) {
    const std::uint64_t digit = sum.bytes_[i] + (carry & 0xff);
    sum.bytes_[i] = static_cast<std::uint8_t>(digit & 0xff);
    carry = (carry >> 8) + (digit >> 8);
  }
  if (carry != 0) {
    return std::nullopt;
  }
  return sum;
}

IpAddress IpAddress::masked(unsigned length, bool ones) const {
  IpAddress result = *this;
  for (unsigned bit = length; bit < bits(); ++bit) {
    const auto flag = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    std::uint8_t& byte = result.bytes_[bit / 8];
    byte = static_cast<std::uint8_t>(ones ? byte | flag : byte & ~flag);
  }
  return result;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.is_v6() ? AF_INET6 : AF_INET, address.bytes().data(), text.data(), text.size());
  return text.data();
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto address = IpAddress::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool clean = status == std::errc{} && end == digits.data() + digits.size() &&
                     (digits.size() == 1 || digits.front() != '0');
  if (!address || !clean || length > address->bits()) {
    return std::nullopt;
  }
  return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

std::string to_string(const IpPrefix& prefix) {
  return to_string(prefix.address) + "/" + std::to_string(prefix.length);
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  constexpr std::size_t kLength = 17;
  if (text.size() != kLength) {
    return std::nullopt;
  }
  MacAddress mac;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    const char* pair = text.data() + 3 * i;
    const auto [end, status] = std::from_chars(pair, pair + 2, mac.bytes[i], 16);
    if (status != std::errc{} || end != pair + 2 || (i < 5 && pair[2] != ':')) {
      return std::nullopt;
    }
  }
  return mac;
}

std::string to_string(const MacAddress& mac) {
  std::array<char, 18> text{};
  std::snprintf(text.data(),
                text.size(),
                "%02x:%02x:%02x:%02x:%02x:%02x",
                mac.bytes[0],
                mac.bytes[1],
                mac.bytes[2],
                mac.bytes[3],
                mac.bytes[4],
                mac.bytes[5]);
  return text.data();
}

}  // namespace nslab
