// Setup commands and services. A batch runs at once in all its nodes; each
// member is then waited for.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>

#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
#include "host/graceful.h"
#include "host/objects.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using resource::Ready;
using resource::Service;
using resource::Setup;

// How much of a failed command's output an error carries: its end.
constexpr std::size_t kMostOutput = 4000;

// What takes as long as it takes, but not past the user's patience.
constexpr auto kForever = std::chrono::steady_clock::time_point::max();

std::string tail(std::string text) {
  if (text.size() > kMostOutput) {
    const std::size_t line = text.find('\n', text.size() - kMostOutput);
    text.erase(0, line == std::string::npos ? text.size() - kMostOutput : line + 1);
  }
  return text;
}

// A command that was started in a node, and where its output goes.
struct Running {
  Control control;
  UniqueFd output;
};

Result<Running> start(const Context& context, const Setup& spec) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(spec.node)));
  UniqueFd output(::memfd_create("setup", MFD_CLOEXEC));
  const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!output.valid() || !input.valid()) {
    return kernel_error("making a file for the command's output", errno);
  }
  Packet packet;
  packet.add("key", std::to_string(spec.index))
      .add_all("argv", spec.argv)
      .add_all("env", spec.environment)
      .add("spec", resource::to_json_text(spec))
      .add("fd", "stdin")
      .add("fd", "stdout")
      .add("fd", "stderr");
  const std::array fds{input.get(), output.get(), output.get()};
  NSLAB_TRY(control.send("run", std::move(packet), fds));
  return Running{std::move(control), std::move(output)};
}

std::string shown(const std::vector<std::string>& argv) {
  // What the shell was given is what the user wrote.
  const bool by_shell = argv.size() == 3 && argv[0] == "/bin/sh" && argv[1] == "-c";
  return quote(by_shell ? argv[2] : join(argv, " "));
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

Result<void> finish(const Context& context, const Setup& spec, Running& running) {
  NSLAB_ASSIGN(reply, context.await(running.control, kForever));
  if (reply.verb == "exit" && reply.get("code") == "0") {
    return {};
  }
  const std::string how = reply.verb == "exit" ? ending(reply) : failure(reply);
  return Error{
      .kind = ErrorKind::node,
      .message = shown(spec.argv) + " in node " + quote(spec.node) + " " + how,
      .output =
          tail(read_file("/proc/self/fd/" + std::to_string(running.output.get())).value_or(""))};
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
      .add("fd", "log");
  return packet;
}

Result<Control> start(const Context& context, const Service& spec) {
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(spec.node)));
  NSLAB_TRY(mark_graceful(context.layout, spec));
  NSLAB_TRY(make_directories(context.layout.log_dir(spec.node)));
  const std::string path = context.layout.log_file(spec.node, spec.name);
  const UniqueFd log(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) {
    return kernel_error("creating " + quote(path), errno);
  }
  // A service that failed for good is known to the init until it is stopped; one that was
  // being stopped when that was interrupted is so until it has ended.
  NSLAB_TRY(control.send("stop", Packet().add("name", spec.name)));
  NSLAB_TRY(context.await(
      control, std::chrono::steady_clock::now() + Control::kPatience + spec.stop_timeout));
  const int fd = log.get();
  NSLAB_TRY(control.request("start", start_packet(spec), {&fd, 1}));
  NSLAB_TRY(control.send("wait", Packet().add("name", spec.name)));
  return control;
}

Result<void> finish(const Context& context, const Service& spec, Control& control) {
  NSLAB_ASSIGN(reply, context.await(control, kForever));
  if (reply.verb == "ready") {
    return {};
  }
  const std::string log = context.layout.log_file(spec.node, spec.name);
  return Error{.kind = ErrorKind::node,
               .message = "service " + quote(spec.name) + " of node " + quote(spec.node) + " " +
                          failure(reply),
               .output = tail(read_file(log).value_or(""))};
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
