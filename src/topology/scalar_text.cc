// Addresses, texts and paths of a lab file.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "topology/scalar.h"
#include "topology/scalar_parts.h"

namespace nslab::topology {
namespace {

std::string address_hint(std::string_view text) {
  const auto parts = split(text.substr(0, text.find('/')), '.');
  const bool padded = parts.size() == 4 && std::ranges::any_of(parts, [](std::string_view part) {
                        return part.size() > 1 && part[0] == '0';
                      });
  return padded ? "write its numbers without leading zeros" : "";
}

constexpr std::string_view kAddressPattern = "[0-9a-fA-F:.]+";
constexpr std::string_view kLengthPattern = "/(0|[1-9][0-9]{0,2})";

}  // namespace

std::optional<IpAddress> Ip::parse(std::string_view text) {
  return IpAddress::parse(text);
}

std::string Ip::hint(std::string_view text) {
  return IpPrefix::parse(text) ? "write it without its prefix length" : address_hint(text);
}

Shape Ip::shape() {
  return text_shape("an IP address", std::string(kAddressPattern));
}

std::optional<IpPrefix> Network::parse(std::string_view text) {
  const auto prefix = IpPrefix::parse(text);
  return prefix && *prefix == prefix->network() ? prefix : std::nullopt;
}

std::string Network::hint(std::string_view text) {
  if (const auto prefix = IpPrefix::parse(text)) {
    return "bits are set after the prefix; the network is " + to_string(prefix->network());
  }
  if (IpAddress::parse(text)) {
    return "say its prefix length, such as " + std::string(text) + "/24";
  }
  return address_hint(text);
}

Shape Network::shape() {
  return text_shape("a network such as 10.10.1.0/24",
                    std::string(kAddressPattern) + std::string(kLengthPattern));
}

std::optional<MaybePrefix> HostAddress::parse(std::string_view text) {
  if (const auto prefix = IpPrefix::parse(text)) {
    return MaybePrefix{prefix->address, prefix->length};
  }
  if (const auto address = IpAddress::parse(text)) {
    return MaybePrefix{*address, std::nullopt};
  }
  return std::nullopt;
}

Shape HostAddress::shape() {
  return text_shape("an IP address such as 10.10.1.2 or 10.10.1.2/24",
                    std::string(kAddressPattern) + "(" + std::string(kLengthPattern) + ")?");
}

std::optional<Destination::Type> Destination::parse(std::string_view text) {
  if (text == "default") {
    return Type{};
  }
  if (const auto network = Network::parse(text)) {
    return Type{network};
  }
  if (const auto address = IpAddress::parse(text)) {
    return Type{IpPrefix{*address, static_cast<std::uint8_t>(address->bits())}};
  }
  return std::nullopt;
}

std::string Destination::hint(std::string_view text) {
  return Network::hint(text);
}

Shape Destination::shape() {
  return text_shape(
      "default, or a network such as 10.20.0.0/16",
      "(default|" + std::string(kAddressPattern) + "(" + std::string(kLengthPattern) + ")?)");
}

std::optional<MacAddress> Mac::parse(std::string_view text) {
  const auto mac = MacAddress::parse(text);
  return mac && !mac->is_multicast() && !mac->is_zero() ? mac : std::nullopt;
}

std::string Mac::hint(std::string_view text) {
  const auto mac = MacAddress::parse(text);
  if (mac && mac->is_multicast()) {
    return "it is a multicast address: its first byte has to be even";
  }
  return mac ? "the kernel refuses the address of zeros" : "";
}

Shape Mac::shape() {
  return text_shape("a MAC address such as 02:00:00:00:02:10",
                    "(?!00(:00){5}$)[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}");
}

std::optional<std::string> Text::parse(std::string_view text) {
  return std::string(text);
}

Shape Text::shape() {
  Shape shape = text_shape("a text");
  shape.any_scalar = true;
  return shape;
}

std::optional<std::string> FileText::parse(std::string_view text) {
  constexpr std::size_t kMaxBytes = std::size_t{64} << 10U;
  return text.size() <= kMaxBytes ? std::optional(std::string(text)) : std::nullopt;
}

std::string FileText::hint(std::string_view /*text*/) {
  return "bind a file of the host with 'mounts' instead";
}

Shape FileText::shape() {
  Shape shape = Text::shape();
  shape.noun = "a text of at most 64K";
  return shape;
}

std::optional<std::string> NodePath::parse(std::string_view text) {
  constexpr std::size_t kMaxPath = 4095;
  constexpr std::size_t kMaxPart = 255;
  if (text.size() < 2 || text.size() > kMaxPath || text[0] != '/') {
    return std::nullopt;
  }
  const bool plain = std::ranges::all_of(split(text.substr(1), '/'), [](std::string_view part) {
    return !part.empty() && part.size() <= kMaxPart && part != "." && part != "..";
  });
  return plain ? std::optional(std::string(text)) : std::nullopt;
}

std::string NodePath::hint(std::string_view text) {
  if (!text.starts_with('/')) {
    return "begin it with '/'";
  }
  if (text.size() > 2 && text.ends_with('/')) {
    return "write it without the '/' at its end";
  }
  return "";
}

Shape NodePath::shape() {
  return text_shape("an absolute path below / without '.' and '..'",
                    "(/(?!\\.{1,2}(/|$))[^/]{1,255})+");
}

std::optional<std::string> NodeDirectory::parse(std::string_view text) {
  return text == "/" ? std::optional(std::string(text)) : NodePath::parse(text);
}

std::string NodeDirectory::hint(std::string_view text) {
  return NodePath::hint(text);
}

Shape NodeDirectory::shape() {
  return text_shape("an absolute path without '.' and '..'", "/|(/(?!\\.{1,2}(/|$))[^/]{1,255})+");
}

std::optional<std::string> HostPath::parse(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

Shape HostPath::shape() {
  return text_shape("a path on the host", "[^\\u0000]+");
}

std::optional<std::string> Root::parse(std::string_view text) {
  const bool path = text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
  const bool good = path || text == "overlay" || text == "host";
  return good ? std::optional(std::string(text)) : std::nullopt;
}

std::string Root::hint(std::string_view text) {
  return text.find('/') != text.npos ? "begin a path with '/' or './'" : "";
}

Shape Root::shape() {
  return text_shape("overlay, host, or a path that begins with '/' or './'",
                    "(overlay|host|\\.{0,2}/[^\\u0000]*)");
}

std::optional<std::string> UrlPath::parse(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char each) { return each > ' ' && each < 0x7f; });
  return text.starts_with('/') && plain ? std::optional(std::string(text)) : std::nullopt;
}

Shape UrlPath::shape() {
  return text_shape("the path of a URL, such as /health", "/[!-~]*");
}

std::optional<std::string> UserName::parse(std::string_view text) {
  const auto is_name = [](std::string_view name) {
    const bool number = name.find_first_not_of("0123456789") == std::string_view::npos;
    if (number && !name.empty()) {
      const auto id = parse_decimal(name);
      return id && *id < UINT32_MAX;
    }
    return !name.empty() && name.size() <= 32 && name.front() != '-' &&
           std::ranges::all_of(name, [](unsigned char each) {
             return std::isalnum(each) != 0 || each == '_' || each == '-' || each == '.';
           });
  };
  const std::size_t colon = std::min(text.find(':'), text.size());
  const bool has_group = colon < text.size();
  return is_name(text.substr(0, colon)) && (!has_group || is_name(text.substr(colon + 1)))
             ? std::optional(std::string(text))
             : std::nullopt;
}

std::string UserName::hint(std::string_view text) {
  return text.find_first_not_of("0123456789:") == std::string_view::npos
             ? "the largest number of a user or group is 4294967294"
             : "";
}

Shape UserName::shape() {
  return text_shape("a user, such as www-data or www-data:adm",
                    "[A-Za-z0-9_.][A-Za-z0-9_.-]{0,31}(:[A-Za-z0-9_.][A-Za-z0-9_.-]{0,31})?");
}

std::optional<std::uint32_t> FileMode::parse(std::string_view text) {
  const std::string_view digits = text.size() == 4 ? text.substr(1) : text;
  const bool octal =
      std::ranges::all_of(text, [](char each) { return each >= '0' && each <= '7'; });
  if (digits.size() != 3 || !octal) {
    return std::nullopt;
  }
  std::uint32_t mode = 0;
  for (const char each : text) {
    mode = mode * 8 + static_cast<std::uint32_t>(each - '0');
  }
  return mode;
}

std::string FileMode::hint(std::string_view /*text*/) {
  return "three or four octal digits";
}

Shape FileMode::shape() {
  return text_shape("permissions in quotes, such as \"0644\"", "[0-7]{3,4}");
}

}  // namespace nslab::topology
