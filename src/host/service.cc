// Setup commands and services. A batch runs at once in all its nodes; each
// member is then waited for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>

#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
#include "host/graceful.h"
#include "host/limit_hint.h"
#include "host/not_executed.h"
#include "host/objects.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using resource::Ready;
using resource::Service;
using resource::Setup;

// How much of a failed command's output an error carries: its end.
constexpr off_t kMostOutput = 4000;

// What takes as long as it takes, but not past the user's patience.
constexpr auto kForever = std::chrono::steady_clock::time_point::max();

// The end of a log, of what is in it from there on. That it cannot be read is told in its
// place: an error without the program's words must not look like one that had none.
std::string tail(const std::string& path, off_t from) {
  const UniqueFd log(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));

  struct stat info {};

  if (!log.valid() || ::fstat(log.get(), &info) != 0) {
    return "(what it printed is lost: " + to_string(kernel_error("reading " + quote(path), errno)) +
           ")";
  }
  const off_t begin = std::max(std::min(from, info.st_size), info.st_size - kMostOutput);
  std::string text(static_cast<std::size_t>(info.st_size - begin), '\0');
  const ssize_t length = ::pread(log.get(), text.data(), text.size(), begin);
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  if (begin > from) {
    const std::size_t line = text.find('\n');
    text.erase(0, line == std::string::npos ? 0 : line + 1);
  }
  return text;
}

Result<UniqueFd> open_log(const Context& context,
                          const std::string& node,
                          const std::string& path) {
  NSLAB_TRY(make_directories(context.layout.log_dir(node)));
  UniqueFd log(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) {
    return kernel_error("creating " + quote(path), errno);
  }
  return log;
}

// What the user wrote, on one line. A shell was given it as one text.
std::string shown(const std::vector<std::string>& argv) {
  const bool by_shell = argv.size() == 3 && argv[0] == "/bin/sh" && argv[1] == "-c";
  std::string_view text = by_shell ? std::string_view(argv[2]) : std::string_view();
  const std::string words = by_shell ? "" : join(argv, " ");
  text = by_shell ? text : words;
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  text.remove_prefix(begin);
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  text = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
  std::string line(text.substr(0, text.find_first_of("\r\n")));
  return line.size() < text.size() ? line + " …" : line;
}

Result<Control> start(const Context& context, const Setup& spec) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(spec.node)));
  NSLAB_ASSIGN(log, open_log(context, spec.node, context.layout.setup_log(spec.node)));
  Packet packet;
  packet.add("key", std::to_string(spec.index))
      .add_all("argv", spec.argv)
      .add_all("env", spec.environment)
      .add("spec", resource::to_json_text(spec))
      .add("title", shown(spec.argv))
      .add("fd", "log")
      .add("fd", "syslog");
  NSLAB_ASSIGN(syslog, open_log(context, spec.node, context.layout.syslog(spec.node)));
  const std::array fds{log.get(), syslog.get()};
  NSLAB_TRY(control.send("run", std::move(packet), fds));
  return control;
}

std::string ending(const Packet& reply) {
  return reply.has("signal") ? "was killed by signal " + std::string(reply.get("signal"))
                             : "exited with " + std::string(reply.get("code"));
}

// Why a command or a service did not do, as the init says it.
std::string failure(const Packet& reply) {
  std::string text(reply.get("what"));
  if (const auto error = static_cast<int>(reply.number("errno")); error != 0) {
    text += ": " + std::string(::strerrordesc_np(error));
  }
  return text;
}

// A list of words is run as it stands: what only a shell would take apart is one word.
std::string start_hint(const Packet& reply, const std::vector<std::string>& argv) {
  const auto error = static_cast<int>(reply.number("errno"));
  if (error == 0 || argv.empty() ||
      reply.get("what").find("cannot be started: ") == std::string_view::npos) {
    return {};
  }
  if (error == ENOENT && argv.size() == 1 && argv[0].find(' ') != std::string::npos) {
    return "in a list each word stands by itself; a text, without [ ], is read by a shell";
  }
  return not_executed_hint(argv[0], error);
}

Error of_node(const Context& context, const std::string& node, Error error) {
  error.kind = ErrorKind::node;
  return with_limit_hint(context.cgroups, context.layout, node, std::move(error));
}

Result<void> finish(const Context& context, const Setup& spec, Control& control) {
  NSLAB_ASSIGN(reply, context.await(control, kForever));
  if (reply.verb == "exit" && reply.get("code") == "0") {
    return {};
  }
  const std::string how = reply.verb == "exit" ? ending(reply) : failure(reply);
  return of_node(
      context,
      spec.node,
      {.message = quote(shown(spec.argv)) + " in node " + quote(spec.node) + " " + how,
       .hint = start_hint(reply, spec.argv),
       .output = reply.has("from") ? tail(context.layout.setup_log(spec.node), reply.number("from"))
                                   : std::string()});
}

std::string_view ready_name(const Ready& ready) {
  return resource::kReadyTypeNames[static_cast<std::size_t>(ready.type)];
}

Packet start_packet(const Service& spec) {
  Packet packet;
  packet.add("name", spec.name)
      .add_all("argv", spec.argv)
      .add_all("env", spec.environment)
      .add("dir", spec.directory.empty() ? "/" : spec.directory)
      .add("once", spec.once ? "1" : "0")
      .add("ready", std::string(ready_name(spec.ready)))
      .add("port", std::to_string(spec.ready.port))
      .add("path", spec.ready.path)
      .add_all("rargv", spec.ready.argv)
      .add("interval_ms", std::to_string(spec.ready.interval.count()))
      .add("timeout_ms", std::to_string(spec.ready.timeout.count()))
      .add("restart", std::string(resource::kRestartNames[static_cast<std::size_t>(spec.restart)]))
      .add("stop_signal", spec.stop_signal)
      .add("stop_timeout_ms", std::to_string(spec.stop_timeout.count()))
      .add("spec", resource::to_json_text(spec))
      .add("fd", "log")
      .add("fd", "syslog");
  if (!spec.user.empty()) {
    packet.add("user", spec.user);
  }
  return packet;
}

Result<Control> start(const Context& context, const Service& spec) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(spec.node)));
  NSLAB_TRY(mark_graceful(context.layout, spec));
  NSLAB_ASSIGN(log, open_log(context, spec.node, context.layout.log_file(spec.node, spec.name)));
  // A service that failed for good is known to the init until it is stopped; one that was
  // being stopped when that was interrupted is so until it has ended.
  NSLAB_TRY(control.send("stop", Packet().add("name", spec.name)));
  NSLAB_TRY(context.await(
      control, std::chrono::steady_clock::now() + Control::kPatience + spec.stop_timeout));
  NSLAB_ASSIGN(syslog, open_log(context, spec.node, context.layout.syslog(spec.node)));
  const std::array fds{log.get(), syslog.get()};
  NSLAB_TRY(control.request("start", start_packet(spec), fds));
  NSLAB_TRY(control.send("wait", Packet().add("name", spec.name)));
  return control;
}

Result<void> finish(const Context& context, const Service& spec, Control& control) {
  NSLAB_ASSIGN(reply, context.await(control, kForever));
  if (reply.verb == "ready") {
    return {};
  }
  const std::string log = context.layout.log_file(spec.node, spec.name);
  const bool well = reply.get("what") == "exited with status 0";
  const bool probe = reply.get("what").find("its command") != std::string_view::npos;
  return of_node(context,
                 spec.node,
                 {.message = "service " + quote(spec.name) + " of node " + quote(spec.node) + " " +
                             failure(reply),
                  .hint = well ? "a service goes on; for a job that ends, write once: true"
                               : start_hint(reply, probe ? spec.ready.argv : spec.argv),
                  .output = tail(log, 0)});
}

Result<Control> ask_whether_stands(const Context& context, const Service& spec) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(spec.node)));
  NSLAB_TRY(control.send("wait", Packet().add("name", spec.name).add("stands", "1")));
  return control;
}

// Starts all, then waits for each, so that what takes time takes it side by side.
template <typename Spec>
Outcome run_all(const Context& context, Batch<Spec> batch) {
  using Started = std::remove_cvref_t<decltype(*start(context, *batch.front()))>;
  std::deque<Started> started;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto one = start(context, *batch[i]);
    if (!one) {
      return Failure{i, std::move(one).error()};
    }
    started.push_back(*std::move(one));
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (Result<void> done = finish(context, *batch[i], started[i]); !done) {
      return Failure{i, std::move(done).error()};
    }
  }
  return {};
}

}  // namespace

Outcome create(Context& context, Batch<Setup> batch) {
  return run_all(context, batch);
}

Outcome create(Context& context, Batch<Service> batch) {
  return run_all(context, batch);
}

Outcome confirm(Context& context, Batch<Service> batch) {
  const std::size_t at_once = context.at_once(256, 1);
  for (std::size_t first = 0; first < batch.size(); first += at_once) {
    std::vector<Result<Control>> asked;
    const auto some = batch.subspan(first, std::min(at_once, batch.size() - first));
    for (const Service* spec : some) {
      asked.push_back(ask_whether_stands(context, *spec));
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      Result<void> stands = asked[i] ? finish(context, *some[i], *asked[i])
                                     : Result<void>(std::move(asked[i]).error());
      if (!stands) {
        return Failure{first + i, std::move(stands).error()};
      }
    }
  }
  return {};
}

Outcome destroy(Context& context, Batch<Service> batch) {
  std::vector<Stopping> stopping;
  for (const Service* spec : batch) {
    stopping.push_back({.node = spec->node, .name = spec->name, .timeout = spec->stop_timeout});
  }
  std::vector<Result<void>> ends = stop_services(context, stopping);
  Outcome outcome;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (ends[i]) {
      unmark_graceful(context.layout, stopping[i].node, stopping[i].name);
    } else if (!outcome) {
      outcome = Failure{i, std::move(ends[i]).error()};
    }
  }
  return outcome;
}

}  // namespace nslab::host
