#include "host/enter.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "host/control.h"
#include "host/init_program.h"
#include "host/limit_hint.h"
#include "host/made_by.h"
#include "kernel/cgroup.h"
#include "kernel/enter.h"
#include "kernel/mount.h"

namespace nslab::host {
namespace {

// What the caller's terminal is, and what the node says; nothing else of the
// caller's environment is the node's business.
std::vector<std::string> environment_of(const Packet& node) {
  std::vector<std::string> environment = node.all("env");
  const auto has = [&](std::string_view name) {
    for (const std::string& each : environment) {
      if (each.starts_with(std::string(name) + "=")) {
        return true;
      }
    }
    return false;
  };
  if (!has("PATH")) {
    environment.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  }
  if (!has("HOME")) {
    environment.emplace_back("HOME=/root");
  }
  for (const char* name : {"TERM", "LANG", "COLORTERM"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && !has(name)) {
      environment.push_back(std::string(name) + "=" + value);
    }
  }
  return environment;
}

Error no_answer(std::string_view node) {
  return Error{.kind = ErrorKind::kernel,
               .message = "node " + quote(node) +
                          " does not answer: its init hangs, stopped or frozen perhaps",
               .hint = "'nslab up' of the lab's file makes the node anew"};
}

// Whether the init has ended, or will at once: what takes a node down ends who is on the way
// into it together with the init, and sees neither end first.
bool ends(const Control& control) {
  constexpr int kAtOnceMs = 1000;
  const auto init = control.open_init();
  pollfd waiting{.fd = init ? init->get() : -1, .events = POLLIN, .revents = 0};
  return !init || ::poll(&waiting, 1, kAtOnceMs) == 1;
}

// Of a node that goes down meanwhile, each step on the way into it fails in words of its own.
bool went_down(const Layout& layout,
               std::string_view node,
               const Control& control,
               const Error& error) {
  if (error.os_error == ECHILD && ends(control)) {
    return true;
  }
  // A process that ends loses its namespaces before its sockets.
  const std::string of_init = "/proc/" + std::to_string(control.init_pid()) + "/ns/net";
  std::array<char, 64> at{};
  if (::readlink(of_init.c_str(), at.data(), at.size()) < 0) {
    return true;
  }
  const auto now = Control::connect(layout.control_socket(node));
  return now ? now->init_pid() != control.init_pid() : now.error().os_error != ETIMEDOUT;
}

Result<kernel::Exit> run(const Layout& layout,
                         std::string_view node,
                         Control& control,
                         std::vector<std::string> words) {
  auto about = control.request("about", {}, {}, Control::kToAnswer);
  if (!about) {
    return about.error().os_error == ETIMEDOUT ? no_answer(node) : std::move(about).error();
  }
  // What was installed on the host meanwhile is to be found, also where it was looked for
  // before. Where that cannot be, the command runs all the same.
  (void)kernel::forget_cached("/proc/" + std::to_string(control.init_pid()) + "/root");
  NSLAB_ASSIGN(mark, state_mark(layout.state_dir()));
  NSLAB_ASSIGN(cgroups, kernel::CgroupTree::open(cgroup_parent_of(layout), mark));
  NSLAB_ASSIGN(pidfd, control.open_init());
  NSLAB_ASSIGN(program, init_program(layout.state_dir()));
  const kernel::Target target{.pidfd = pidfd.get(),
                              .pid = control.init_pid(),
                              .program = program.get(),
                              .cgroup_procs = cgroups.procs_files(layout.cgroup(node))};
  const kernel::Command command{.argv = std::move(words), .environment = environment_of(*about)};
  const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  auto ended = kernel::run_inside(
      target, command, terminal ? kernel::Terminal::pty : kernel::Terminal::none);
  return ended ? std::move(ended)
               : with_limit_hint(cgroups, layout, node, std::move(ended).error());
}

}  // namespace

Result<kernel::Exit> run_in_node(const Layout& layout,
                                 std::string_view node,
                                 std::vector<std::string> words) {
  if (::geteuid() != 0) {
    return Error{.kind = ErrorKind::permission,
                 .message = "entering a node takes root",
                 .hint = "run it as root, with sudo for example"};
  }
  auto control = Control::connect(layout.control_socket(node));
  if (!control && control.error().os_error == ETIMEDOUT) {
    return no_answer(node);
  }
  if (!control) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "node " + quote(node) + " is down",
                 .hint = "'nslab up' starts it again"};
  }
  auto ended = run(layout, node, *control, std::move(words));
  if (!ended && went_down(layout, node, *control, ended.error())) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "node " + quote(node) + " went down on the way into it",
                 .hint = "'nslab status " + layout.lab() + "' says how its lab is"};
  }
  return ended;
}

}  // namespace nslab::host
