// What is in a node: mounts, files, setup commands, services.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "resource/field.h"
#include "resource/kind.h"

namespace nslab::resource {

enum class MountType : std::uint8_t {
  bind,
  tmpfs,
};

inline constexpr std::array<std::string_view, 2> kMountTypeNames{"bind", "tmpfs"};

struct Mount {
  static constexpr Kind kKind = Kind::mount;
  std::string node;
  std::string target;  // absolute, inside the node
  MountType type = MountType::tmpfs;
  std::string source;  // of a bind mount: absolute, on the host
  bool read_only = false;
  std::optional<std::uint64_t> size;  // bytes, of a tmpfs
  std::uint32_t mode = 0755;          // of a tmpfs's directory
  std::string owner;                  // likewise: "user[:group]" of the node; empty: root
  bool current = true;                // false where the host has another file at the source by now

  static constexpr auto fields() {
    return std::tuple{field("node", &Mount::node, Cost::replace),
                      field("target", &Mount::target, Cost::replace),
                      field("type", &Mount::type, Cost::replace),
                      field("source", &Mount::source, Cost::replace),
                      field("read-only", &Mount::read_only),
                      field("size", &Mount::size),
                      field("mode", &Mount::mode),
                      field("owner", &Mount::owner),
                      field("what-the-host-has-now", &Mount::current, Cost::replace)};
  }

  bool operator==(const Mount&) const = default;
};

// Made where it is not there; what is in it is the node's affair.
struct Directory {
  static constexpr Kind kKind = Kind::directory;
  std::string node;
  std::string path;  // absolute, inside the node
  std::uint32_t mode = 0755;
  std::string owner;  // "user[:group]" of the node; empty: as it is, at first root

  static constexpr auto fields() {
    return std::tuple{field("node", &Directory::node, Cost::replace),
                      field("path", &Directory::path, Cost::replace),
                      field("mode", &Directory::mode),
                      field("owner", &Directory::owner)};
  }

  bool operator==(const Directory&) const = default;
};

struct File {
  static constexpr Kind kKind = Kind::file;
  std::string node;
  std::string path;  // absolute, inside the node
  std::string content;
  std::uint32_t mode = 0644;
  std::string owner;  // "user[:group]" of the node; empty: as it is, at first root

  static constexpr auto fields() {
    return std::tuple{field("node", &File::node, Cost::replace),
                      field("path", &File::path, Cost::replace),
                      field("content", &File::content),
                      field("mode", &File::mode),
                      field("owner", &File::owner)};
  }

  bool operator==(const File&) const = default;
};

// A command that runs once each time its node starts, before its services.
struct Setup {
  static constexpr Kind kKind = Kind::setup;
  std::string node;
  std::uint32_t index = 0;  // its place among the node's setup commands, from 0
  std::vector<std::string> argv;
  std::vector<std::string> environment;

  static constexpr auto fields() {
    return std::tuple{field("node", &Setup::node, Cost::replace),
                      field("index", &Setup::index, Cost::replace),
                      field("argv", &Setup::argv, Cost::restart),
                      field("environment", &Setup::environment, Cost::restart)};
  }

  bool operator==(const Setup&) const = default;
};

enum class ReadyType : std::uint8_t {
  started,  // as soon as it has been started
  tcp,
  exec,
  file,
  http,
};

inline constexpr std::array<std::string_view, 5> kReadyTypeNames{
    "started", "tcp", "exec", "file", "http"};

// How to tell that a service is ready. Probed from inside the node.
struct Ready {
  ReadyType type = ReadyType::started;
  std::uint16_t port = 0;         // tcp, http
  std::string path;               // file; http: the path of the URL
  std::vector<std::string> argv;  // exec: ready when it exits with 0
  std::chrono::milliseconds interval{100};
  std::chrono::milliseconds timeout{30000};

  static constexpr auto fields() {
    return std::tuple{field("type", &Ready::type, Cost::replace),
                      field("port", &Ready::port, Cost::replace),
                      field("path", &Ready::path, Cost::replace),
                      field("argv", &Ready::argv, Cost::replace),
                      field("interval", &Ready::interval, Cost::replace),
                      field("timeout", &Ready::timeout, Cost::replace)};
  }

  bool operator==(const Ready&) const = default;
};

enum class Restart : std::uint8_t {
  never,
  on_failure,
  always,
};

inline constexpr std::array<std::string_view, 3> kRestartNames{"never", "on-failure", "always"};

// A process that the node's init starts, supervises and logs.
struct Service {
  static constexpr Kind kKind = Kind::service;
  std::string node;
  std::string name;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string directory;  // where it starts; empty: /
  std::string user;       // of the node's: NAME or number, perhaps with :GROUP; empty: root
  bool once = false;      // a job: it is to end, with 0
  Ready ready;
  Restart restart = Restart::never;
  std::string stop_signal = "TERM";
  std::chrono::milliseconds stop_timeout{5000};
  bool graceful = false;  // stopped by its signal also when its node goes
  bool ended = false;     // for good, or is about to, and should not; never wanted

  static constexpr auto fields() {
    return std::tuple{field("node", &Service::node, Cost::replace),
                      field("name", &Service::name, Cost::replace),
                      field("argv", &Service::argv, Cost::replace),
                      field("environment", &Service::environment, Cost::replace),
                      field("directory", &Service::directory, Cost::replace),
                      field("user", &Service::user, Cost::replace),
                      field("once", &Service::once, Cost::replace),
                      field("ready", &Service::ready, Cost::replace),
                      field("restart", &Service::restart, Cost::replace),
                      field("stop-signal", &Service::stop_signal, Cost::replace),
                      field("stop-timeout", &Service::stop_timeout, Cost::replace),
                      field("graceful", &Service::graceful, Cost::replace),
                      field("ended", &Service::ended, Cost::replace)};
  }

  bool operator==(const Service&) const = default;
};

}  // namespace nslab::resource
