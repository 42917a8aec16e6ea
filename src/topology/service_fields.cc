// The keys of what runs and lies in a node: services, files, mounts.
#include <array>

#include "topology/lab_file.h"

namespace nslab::topology {
namespace {

constexpr std::array<std::string_view, 4> kProbes{"tcp", "exec", "file", "http"};
constexpr std::array<std::string_view, 2> kMountSources{"bind", "tmpfs"};

}  // namespace

const BlockText ServiceKeys::kBlock{
    .name = "service", .noun = "a service", .doc = "An entry of a node's `services`."};

std::span<const Row<ServiceKeys>> ServiceKeys::rows() {
  static const std::array table{
      row<&ServiceKeys::command>("command",
                                 {.doc = "A list of arguments, or one text that /bin/sh runs. "
                                         "Every service needs one, its own or inherited.",
                                  .fallback = "",
                                  .example = "command: [python3, -m, http.server, \"8080\"]",
                                  .cost = Cost::service_restart}),
      row<&ServiceKeys::environment>("environment",
                                     {.doc = "Variables, besides the node's.",
                                      .fallback = "",
                                      .example = "environment: {PORT: 8080}",
                                      .cost = Cost::service_restart}),
      row<&ServiceKeys::directory>("directory",
                                   {.doc = "Where it starts.",
                                    .fallback = "/",
                                    .example = "directory: /srv",
                                    .cost = Cost::service_restart}),
      row<&ServiceKeys::user>(
          "user",
          {.doc = "Whom it runs as: a name or number of the node's own "
                  "`/etc/passwd`, and perhaps `:GROUP`; with that user's other "
                  "groups, HOME, USER, LOGNAME and SHELL. Its `ready` command too.",
           .fallback = "root",
           .example = "user: www-data",
           .cost = Cost::service_restart}),
      row<&ServiceKeys::once>(
          "once",
          {.doc = "A job, such as one that loads a configuration: it is done when it "
                  "ends with 0, which is what all that comes `after` it waits for. "
                  "It runs each time its node starts. Not with `ready` or `restart`.",
           .fallback = "false",
           .example = "once: true",
           .cost = Cost::service_restart}),
      row<&ServiceKeys::ready>("ready",
                               {.doc = "How to tell that it is ready.",
                                .fallback = "it is, once it has run for a quarter of a second",
                                .example = "ready: {tcp: 8080}",
                                .cost = Cost::see_below}),
      row<&ServiceKeys::restart>("restart",
                                 {.doc = "When it is started again, with growing pauses: `never`, "
                                         "`on-failure` or `always`.",
                                  .fallback = "never",
                                  .example = "restart: on-failure",
                                  .cost = Cost::service_restart}),
      row<&ServiceKeys::after>(
          "after",
          {.doc = "Services of the same node that have to be ready, or done, first.",
           .fallback = "",
           .example = "after: [db]"}),
      row<&ServiceKeys::stop>("stop",
                              {.doc = "How it is stopped. With it, also `down` stops the service "
                                      "this way; without, the whole node is killed at once.",
                               .fallback = "",
                               .example = "stop: {signal: INT, timeout: 10s}",
                               .cost = Cost::see_below}),
  };
  return table;
}

const BlockText ReadyKeys::kBlock{.name = "ready",
                                  .noun = "'ready'",
                                  .doc = "A service's `ready`: one probe, made inside the node.",
                                  .one_of = kProbes,
                                  .needing = "path",
                                  .needed = "http",
                                  .inherits = false};

std::span<const Row<ReadyKeys>> ReadyKeys::rows() {
  static const std::array table{
      row<&ReadyKeys::tcp>("tcp",
                           {.doc = "Ready when the service itself listens on this port.",
                            .fallback = "",
                            .example = "tcp: 8080",
                            .cost = Cost::service_restart}),
      row<&ReadyKeys::exec>("exec",
                            {.doc = "Ready when this command exits with 0.",
                             .fallback = "",
                             .example = "exec: [redis-cli, ping]",
                             .cost = Cost::service_restart}),
      row<&ReadyKeys::file>("file",
                            {.doc = "Ready when this path exists.",
                             .fallback = "",
                             .example = "file: /run/db.sock",
                             .cost = Cost::service_restart}),
      row<&ReadyKeys::http>("http",
                            {.doc = "Ready when the service itself answers a GET on this port "
                                    "with success.",
                             .fallback = "",
                             .example = "http: 8080",
                             .cost = Cost::service_restart}),
      row<&ReadyKeys::path>("path",
                            {.doc = "With `http`: the path of the URL.",
                             .fallback = "/",
                             .example = "path: /health",
                             .cost = Cost::service_restart}),
      row<&ReadyKeys::interval>("interval",
                                {.doc = "The time between two probes.",
                                 .fallback = "100ms",
                                 .example = "interval: 1s",
                                 .cost = Cost::service_restart}),
      row<&ReadyKeys::timeout>("timeout",
                               {.doc = "After this long `up` fails.",
                                .fallback = "30s",
                                .example = "timeout: 2m",
                                .cost = Cost::service_restart}),
  };
  return table;
}

const BlockText StopKeys::kBlock{.name = "stop", .noun = "'stop'", .doc = "A service's `stop`."};

std::span<const Row<StopKeys>> StopKeys::rows() {
  static const std::array table{
      row<&StopKeys::signal>("signal",
                             {.doc = "The signal that asks it to end.",
                              .fallback = "TERM",
                              .example = "signal: INT",
                              .cost = Cost::service_restart}),
      row<&StopKeys::timeout>("timeout",
                              {.doc = "After this long it is killed.",
                               .fallback = "5s",
                               .example = "timeout: 10s",
                               .cost = Cost::service_restart}),
  };
  return table;
}

const BlockText FileKeys::kBlock{
    .name = "file", .noun = "a file", .doc = "An entry of a node's `files`.", .inherits = false};

std::span<const Row<FileKeys>> FileKeys::rows() {
  static const std::array table{
      row<&FileKeys::content>("content",
                              {.doc = "Its text, at most 64K.",
                               .fallback = "",
                               .example = "content: Hello",
                               .required = true}),
      row<&FileKeys::mode>("mode",
                           {.doc = "Its permissions: octal, in quotes.",
                            .fallback = "\"0644\"",
                            .example = "mode: \"0755\""}),
      row<&FileKeys::owner>("owner",
                            {.doc = "Who owns it: a user of the node's own /etc/passwd, and a "
                                    "group, by name or number. With a user alone, its group.",
                             .fallback = "root",
                             .example = "owner: \"www-data:adm\""}),
  };
  return table;
}

const BlockText DirectoryKeys::kBlock{
    .name = "directory",
    .noun = "a directory",
    .doc = "An entry of a node's `directories`. It may be left empty.",
    .inherits = false};

std::span<const Row<DirectoryKeys>> DirectoryKeys::rows() {
  static const std::array table{
      row<&DirectoryKeys::mode>("mode",
                                {.doc = "Its permissions: octal, in quotes.",
                                 .fallback = "\"0755\"",
                                 .example = "mode: \"2775\""}),
      row<&DirectoryKeys::owner>("owner",
                                 {.doc = "Who owns it: a user of the node's own /etc/passwd, and a "
                                         "group, by name or number. With a user alone, its group.",
                                  .fallback = "root",
                                  .example = "owner: \"www-data:adm\""}),
  };
  return table;
}

const BlockText MountKeys::kBlock{.name = "mount",
                                  .noun = "a mount",
                                  .doc = "An entry of a node's `mounts`.",
                                  .one_of = kMountSources,
                                  .needing = "read_only",
                                  .needed = "bind",
                                  .inherits = false};

std::span<const Row<MountKeys>> MountKeys::rows() {
  static const std::array table{
      row<&MountKeys::bind>("bind",
                            {.doc = "A file or directory of the host; a relative path begins at "
                                    "the lab file's directory.",
                             .fallback = "",
                             .example = "bind: ./site"}),
      row<&MountKeys::read_only>("read_only",
                                 {.doc = "With `bind`: whether the node may only read it.",
                                  .fallback = "false",
                                  .example = "read_only: true"}),
      row<&MountKeys::tmpfs>("tmpfs",
                             {.doc = "An empty file system in memory, of this size.",
                              .fallback = "",
                              .example = "tmpfs: 64M"}),
      row<&MountKeys::mode>("mode",
                            {.doc = "With `tmpfs`: the permissions of its directory.",
                             .fallback = "\"0755\"; \"1777\" on /tmp, /var/tmp and /dev/shm",
                             .example = "mode: \"0700\""}),
      row<&MountKeys::owner>("owner",
                             {.doc = "With `tmpfs`: who owns its directory, as for a file: a user "
                                     "of the node's own /etc/passwd, and a "
                                     "group, by name or number. With a user alone, its group.",
                              .fallback = "root",
                              .example = "owner: \"www-data:adm\""}),
  };
  return table;
}

}  // namespace nslab::topology
