#include "host/inits.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/directory.h"
#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
#include "host/init_program.h"
#include "kernel/cgroup.h"

namespace nslab::host {
namespace {

using Clock = std::chrono::steady_clock;

// Where an init listens (init/node.cc).
constexpr std::string_view kListener = "fd/3";

// An init, by a descriptor that no other process can come to have.
struct Init {
  std::string lab;
  std::string node;
  pid_t pid = 0;
  UniqueFd pidfd;
};

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char each) { return each >= '0' && each <= '9'; });
}

std::string of_process(pid_t pid, std::string_view what) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(what);
}

// Somebody else may listen where a node's init did; and an init of that path may be of an nslab
// that sees another directory there, in another mount namespace.
bool is_our_program(const std::string& name, pid_t pid) {
  const auto program = link_target(of_process(pid, "exe"));
  return program && program->starts_with("/memfd:" + name + " ");
}

Result<std::optional<Init>> listening_at(const Layout& layout, const std::string& node) {
  NSLAB_ASSIGN(program, init_program_name(layout.state_dir()));
  const auto control = Control::connect(layout.control_socket(node));
  auto pidfd = control ? control->open_init() : Result<UniqueFd>(control.error());
  if (!pidfd || !is_our_program(program, control->init_pid())) {
    return std::optional<Init>();
  }
  return std::optional(Init{
      .lab = layout.lab(), .node = node, .pid = control->init_pid(), .pidfd = *std::move(pidfd)});
}

// A listening socket of an init: "/run/nslab/webdb/nodes/web/init.sock".
struct Socket {
  std::string inode;
  std::string lab;
  std::string node;
};

// What is bound below the state directory, from /proc/net/unix: there it stands as long as
// somebody listens, also when its file is gone. A path that was too long for an address is
// not in it (control.cc).
std::vector<Socket> sockets_below(const std::string& state_dir) {
  const std::string prefix = state_dir + "/";
  std::ifstream table("/proc/net/unix");
  std::string line;
  std::vector<Socket> found;
  while (std::getline(table, line)) {
    const std::size_t begin = line.find(' ' + prefix);
    if (begin == std::string::npos || !line.ends_with("/init.sock")) {
      continue;
    }
    const auto parts = split(std::string_view(line).substr(begin + 1 + prefix.size()), '/');
    std::istringstream words(line.substr(0, begin));
    Socket socket;
    for (std::string word; words >> word;) {
      socket.inode = word;  // the last one before the path
    }
    constexpr std::size_t kParts = 4;
    if (parts.size() == kParts && parts[1] == "nodes" && is_lab_name(parts[0])) {
      socket.lab = parts[0];
      socket.node = parts[2];
      found.push_back(std::move(socket));
    }
  }
  return found;
}

std::vector<Socket> sockets_of(const Layout& layout) {
  std::vector<Socket> sockets = sockets_below(layout.state_dir());
  std::erase_if(sockets, [&](const Socket& socket) { return socket.lab != layout.lab(); });
  return sockets;
}

// The inits that listen at these. It takes a look at every process: not where there are none.
Result<std::vector<Init>> inits_at(const std::string& state_dir,
                                   const std::vector<Socket>& sockets) {
  std::map<std::string, const Socket*> by_listener;  // as /proc/PID/fd says
  for (const Socket& socket : sockets) {
    by_listener.emplace("socket:[" + socket.inode + "]", &socket);
  }
  std::vector<Init> found;
  if (by_listener.empty()) {
    return found;
  }
  NSLAB_ASSIGN(program, init_program_name(state_dir));
  for (const std::string& name : names_in("/proc").value_or({})) {
    if (!is_number(name)) {
      continue;
    }
    const auto pid = static_cast<pid_t>(std::stol(name));
    const auto listener = [&] { return link_target(of_process(pid, kListener)).value_or(""); };
    const auto socket = by_listener.find(listener());
    if (socket == by_listener.end()) {
      continue;
    }
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    // Asked again, now that the number cannot be another's.
    if (pidfd.valid() && is_our_program(program, pid) && listener() == socket->first) {
      found.push_back({.lab = socket->second->lab,
                       .node = socket->second->node,
                       .pid = pid,
                       .pidfd = std::move(pidfd)});
    }
  }
  return found;
}

// Each process's parent, and those that have not ended.
std::map<pid_t, std::vector<pid_t>> children_by_parent() {
  std::map<pid_t, std::vector<pid_t>> children;
  for (const std::string& name : names_in("/proc").value_or({})) {
    if (!is_number(name)) {
      continue;
    }
    const auto pid = static_cast<pid_t>(std::stol(name));
    std::ifstream file(of_process(pid, "stat"));
    std::string text;
    std::getline(file, text);
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos) {
      continue;
    }
    std::istringstream rest(text.substr(end + 1));
    char state = 0;
    pid_t parent = 0;
    if (rest >> state >> parent && state != 'Z' && state != 'X') {
      children[parent].push_back(pid);
    }
  }
  return children;
}

bool send_signal(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

bool has_ended(int pidfd, std::chrono::milliseconds patience) {
  pollfd waiting{.fd = pidfd, .events = POLLIN, .revents = 0};
  const auto most = std::clamp<long>(patience.count(), 0, INT_MAX);
  return ::poll(&waiting, 1, static_cast<int>(most)) > 0;
}

bool shares_our_pids(pid_t pid) {
  const auto theirs = link_target(of_process(pid, "ns/pid"));
  const auto ours = link_target("/proc/self/ns/pid");
  return theirs && ours && *theirs == *ours;
}

// What runs below an init that is no PID 1 does not end with it. It is held meanwhile, so that
// it starts nothing anew, and adopts what loses its parent.
void end_descendants(const Init& init) {
  constexpr int kRounds = 20;  // a fork may escape one
  (void)send_signal(init.pidfd.get(), SIGSTOP);
  for (int round = 0; round < kRounds; ++round) {
    auto pids = with_descendants(init.pid);
    std::erase(pids, init.pid);
    if (pids.empty()) {
      return;
    }
    for (const pid_t pid : pids) {
      const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      const auto now = with_descendants(init.pid);
      if (pidfd.valid() && std::ranges::find(now, pid) != now.end()) {
        (void)send_signal(pidfd.get(), SIGKILL);
        (void)has_ended(pidfd.get(), std::chrono::milliseconds(50));
      }
    }
  }
}

Result<void> end_all(const std::vector<Init>& inits, Clock::time_point deadline) {
  for (const Init& init : inits) {
    if (shares_our_pids(init.pid)) {
      end_descendants(init);
    }
    (void)send_signal(init.pidfd.get(), SIGKILL);
  }
  for (const Init& init : inits) {
    constexpr std::chrono::milliseconds kUsual{200};
    if (has_ended(init.pidfd.get(), kUsual)) {
      continue;
    }
    kernel::thaw(with_descendants(init.pid));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (!has_ended(init.pidfd.get(), left)) {
      Error error = kernel_error("waiting for the init of node " + quote(init.node) + " (process " +
                                     std::to_string(init.pid) + ") to end",
                                 ETIMEDOUT);
      error.hint = "it was killed: something on this host keeps it from ending";
      return error;
    }
  }
  return {};
}

}  // namespace

Result<std::set<std::string>> labs_that_listen(const std::string& state_dir,
                                               const std::set<std::string>& known) {
  std::vector<Socket> sockets = sockets_below(state_dir);
  std::erase_if(sockets, [&](const Socket& socket) { return known.contains(socket.lab); });
  std::set<std::string> labs;
  NSLAB_ASSIGN(inits, inits_at(state_dir, sockets));
  for (Init& init : inits) {
    labs.insert(std::move(init.lab));
  }
  return labs;
}

Result<bool> has_inits(const Layout& layout) {
  NSLAB_ASSIGN(inits, inits_at(layout.state_dir(), sockets_of(layout)));
  return !inits.empty();
}

Result<void> end_inits(const Layout& layout, Clock::time_point deadline) {
  NSLAB_ASSIGN(inits, inits_at(layout.state_dir(), sockets_of(layout)));
  NSLAB_ASSIGN(nodes, names_in(layout.nodes_dir()));
  for (const std::string& node : nodes) {
    NSLAB_ASSIGN(init, listening_at(layout, node));
    if (init) {
      inits.push_back(*std::move(init));
    }
  }
  return end_all(inits, deadline);
}

Result<void> end_init(const Layout& layout, const std::string& node, Clock::time_point deadline) {
  std::vector<Init> inits;
  NSLAB_ASSIGN(init, listening_at(layout, node));
  if (init) {
    inits.push_back(*std::move(init));
  }
  return end_all(inits, deadline);
}

std::vector<pid_t> with_descendants(pid_t init) {
  const auto children = children_by_parent();
  std::vector<pid_t> found{init};
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (const auto below = children.find(found[i]); below != children.end()) {
      found.insert(found.end(), below->second.begin(), below->second.end());
    }
  }
  return found;
}

Result<void> bring_into_cgroup(const Context& context, const std::string& node) {
  auto control = Control::connect(context.layout.control_socket(node));
  if (!control && control.error().kind == ErrorKind::not_found) {
    return {};  // it has ended, to be made anew: in its cgroup
  }
  if (!control) {
    return std::move(control).error();
  }
  const pid_t init = control->init_pid();
  return context.cgroups.gather(context.layout.cgroup(node),
                                [init] { return with_descendants(init); });
}

}  // namespace nslab::host
