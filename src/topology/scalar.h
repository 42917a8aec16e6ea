// The single values of a lab file, parsed strictly: decimal numbers without
// decoration, units that are always said, names that fit where they go.
//
// Each struct is the S of Scalar<S> (grammar.h). parse() decides; shape() says
// the same to people and to the JSON Schema, as far as a pattern can.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "resource/spec.h"
#include "topology/shape.h"

namespace nslab::topology {

// "0" or digits without a leading zero; nothing on overflow.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// Why a text is not the number that it looks like: "write it without leading zeros".
std::string decimal_hint(std::string_view text);

// --- Numbers ---------------------------------------------------------------

template <typename T, T Min, T Max>
struct Whole {
  using Type = T;

  static std::optional<T> parse(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number || *number < Min || *number > Max) {
      return std::nullopt;
    }
    return static_cast<T>(*number);
  }

  static std::string hint(std::string_view text) { return decimal_hint(text); }

  static Shape shape() {
    return {.kind = Shape::Kind::whole,
            .noun = "a whole number from " + std::to_string(Min) + " to " + std::to_string(Max),
            .least = static_cast<std::int64_t>(Min),
            .most = static_cast<std::int64_t>(Max)};
  }
};

using Mtu = Whole<std::uint32_t, 68, 65535>;
using Metric = Whole<std::uint32_t, 0, 4294967295>;
using PortNumber = Whole<std::uint16_t, 1, 65535>;
using CpuWeight = Whole<std::uint64_t, 1, 10000>;
using PidLimit = Whole<std::uint64_t, 1, 4194304>;
using PtyLimit = Whole<std::uint64_t, 1, 1048576>;

struct Flag {
  using Type = bool;
  static std::optional<bool> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// CPUs, in thousandths.
struct Cpus {
  using Type = std::uint64_t;
  static std::optional<std::uint64_t> parse(std::string_view text);
  static Shape shape();
};

// --- Quantities with a unit ------------------------------------------------

// Bytes. K, M, G and T are powers of 1024.
struct Size {
  using Type = std::uint64_t;
  static std::optional<std::uint64_t> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct MemorySize : Size {
  static std::optional<std::uint64_t> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// Of what the host has of memory, or a size: a text of resource/share.h.
struct Share {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct Duration {
  using Type = std::chrono::milliseconds;
  static std::optional<Type> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// How far a clock is set off: whole seconds, also back.
struct ClockOffset {
  using Type = std::chrono::seconds;
  static std::optional<Type> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// --- Names -----------------------------------------------------------------

struct LabName {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// Of a node, a group or a service.
struct Name {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static Shape shape();
};

// Of a subnet, too: its bridge is an interface.
struct InterfaceName {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct HostName {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct VariableName {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static Shape shape();
};

struct SysctlName {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct EndName {
  std::string node;
  std::string interface;
};

// NODE:INTERFACE
struct End {
  using Type = EndName;
  static std::optional<EndName> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// --- Addresses -------------------------------------------------------------

struct Ip {
  using Type = IpAddress;
  static std::optional<IpAddress> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// A network: no bit set after the prefix.
struct Network {
  using Type = IpPrefix;
  static std::optional<IpPrefix> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct MaybePrefix {
  IpAddress address;
  std::optional<std::uint8_t> length;
};

// An interface's address, with or without its prefix length.
struct HostAddress {
  using Type = MaybePrefix;
  static std::optional<MaybePrefix> parse(std::string_view text);
  static Shape shape();
};

// Where a route leads: `default` (no prefix), a network, or one address.
struct Destination {
  using Type = std::optional<IpPrefix>;
  static std::optional<Type> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct Mac {
  using Type = MacAddress;
  static std::optional<MacAddress> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// --- Texts and paths -------------------------------------------------------

// Any text; a number is taken as it is written.
struct Text {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static Shape shape();
};

struct FileText : Text {
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// Of a node: a name or number, and perhaps ":GROUP".
struct UserName {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// A path inside a node: absolute and plain.
struct NodePath {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// The same, or the root.
struct NodeDirectory {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// A path on the host, absolute or from the lab file's directory.
struct HostPath {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static Shape shape();
};

// overlay, host, or a HostPath that begins with / or . to be told from a word.
struct Root {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

// The path of a URL.
struct UrlPath {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static Shape shape();
};

// Octal, in quotes: YAML's readers do not agree on what 0644 is without.
struct FileMode {
  using Type = std::uint32_t;
  static std::optional<std::uint32_t> parse(std::string_view text);
  static std::string hint(std::string_view text);
  static Shape shape();
};

struct CpuSet {
  using Type = std::string;
  static std::optional<std::string> parse(std::string_view text);
  static Shape shape();
};

struct Namespace {
  using Type = resource::NsChoice;
  static std::optional<resource::NsChoice> parse(std::string_view text);
  static Shape shape();
};

// --- Words -----------------------------------------------------------------

Shape word_shape(std::span<const std::string_view> words);

// "did you mean 'on-failure'?"
std::string word_hint(std::string_view text, std::span<const std::string_view> words);

// One of a few words. E counts from 0 as Names does.
template <typename E, const auto& Names>
struct Word {
  using Type = E;

  static std::optional<E> parse(std::string_view text) {
    for (std::size_t i = 0; i < Names.size(); ++i) {
      if (Names[i] == text) {
        return static_cast<E>(i);
      }
    }
    return std::nullopt;
  }

  static std::string hint(std::string_view text) { return word_hint(text, Names); }

  static Shape shape() { return word_shape(Names); }
};

enum class Role : std::uint8_t {
  host,
  router,
};

inline constexpr std::array<std::string_view, 2> kRoleNames{"host", "router"};

// What another node has to have reached.
enum class Milestone : std::uint8_t {
  started,
  ready,
};

inline constexpr std::array<std::string_view, 2> kMilestoneNames{"started", "ready"};

// Signals that a service can be stopped by. The enum is the place in the list.
enum class StopSignal : std::uint8_t {
};

inline constexpr std::array<std::string_view, 8> kStopSignals{
    "TERM", "INT", "QUIT", "HUP", "KILL", "USR1", "USR2", "WINCH"};

using RoleWord = Word<Role, kRoleNames>;
using MilestoneWord = Word<Milestone, kMilestoneNames>;

// Whether an interface has an IPv6 link-local address beside what the file gives it.
enum class Ipv6Mode : std::uint8_t {
  none,
  link_local,
};

inline constexpr std::array<std::string_view, 2> kIpv6ModeNames{"none", "link-local"};

using Ipv6Word = Word<Ipv6Mode, kIpv6ModeNames>;
using SignalWord = Word<StopSignal, kStopSignals>;
using RouteTypeWord = Word<resource::RouteType, resource::kRouteTypeNames>;
using RestartWord = Word<resource::Restart, resource::kRestartNames>;

}  // namespace nslab::topology
