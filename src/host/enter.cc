#include "host/enter.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "host/control.h"
#include "host/init_program.h"
#include "kernel/cgroup.h"
#include "kernel/enter.h"

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
  if (!control) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "node " + quote(node) + " is down",
                 .hint = "'nslab up' starts it again"};
  }
  NSLAB_ASSIGN(about, control->request("about", {}));
  NSLAB_ASSIGN(cgroups, kernel::CgroupTree::open(cgroup_parent()));
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, control->init_pid(), 0)));
  if (!pidfd.valid()) {
    return kernel_error("opening the init of node " + quote(node), errno);
  }
  NSLAB_ASSIGN(program, init_program());
  const kernel::Target target{.pidfd = pidfd.get(),
                              .pid = control->init_pid(),
                              .program = program.get(),
                              .cgroup_procs = cgroups.procs_files(layout.cgroup(node))};
  const kernel::Command command{.argv = std::move(words), .environment = environment_of(about)};
  const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  return kernel::run_inside(
      target, command, terminal ? kernel::Terminal::pty : kernel::Terminal::none);
}

}  // namespace nslab::host
