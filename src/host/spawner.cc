#include "host/spawner.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/directory.h"
#include "base/text.h"
#include "host/init_program.h"

namespace nslab::host {
namespace {

using Clock = std::chrono::steady_clock;

// The tmpfs of names of every lab on this host. To unmount one takes the helper some
// milliseconds, an expedited grace period of RCU; while a new lab's is empty, so is the
// helper's copy, for ever.
std::vector<std::string> name_mounts(const Layout& layout) {
  std::vector<std::string> found;
  for (const std::string& lab : names_in(layout.state_dir()).value_or({})) {
    if (!is_lab_name(lab)) {
      continue;  // a lock, a record
    }
    const std::string names = Layout(layout.state_dir(), lab).ns_dir();
    const auto inside = names_in(names);
    const bool is_new = lab == layout.lab() && inside && inside->empty();
    if (!is_new) {
      found.push_back(names);  // if it is none, nothing is mounted there
    }
  }
  return found;
}

constexpr int kHelperSocket = init::kSpawnerSocket;

// Leaves room in the process list for the name of a node.
constexpr const char* kPadding = "................................................................";

// In the child, between fork and exec: system calls only.
[[noreturn]] void become_helper(int program, int socket, const std::vector<std::string>& names) {
  const auto fail = [](int code) { ::_exit(code); };
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    fail(errno);
  }
  for (const std::string& target : names) {
    (void)::umount2(target.c_str(), MNT_DETACH);
  }
  (void)::chdir("/");
  std::array<char*, 4> argv{const_cast<char*>("nslab-init"),
                            const_cast<char*>("spawn"),
                            const_cast<char*>(kPadding),
                            nullptr};
  std::array<char*, 1> environment{nullptr};
  // The program's own descriptor must not be where the socket goes.
  const int image = ::fcntl(program, F_DUPFD_CLOEXEC, kHelperSocket + 1);
  if (image < 0 || ::dup2(socket, kHelperSocket) < 0) {
    fail(errno);
  }
  if (socket == kHelperSocket) {
    (void)::fcntl(socket, F_SETFD, 0);
  }
  (void)::fexecve(image, argv.data(), environment.data());
  fail(errno);
  __builtin_unreachable();
}

Failure failure_of(const Packet& reply, const std::vector<std::string>& sent) {
  const auto node = std::ranges::find(sent, reply.get("id"));
  return {static_cast<std::size_t>(node != sent.end() ? node - sent.begin() : 0),
          kernel_error(std::string(reply.get("what")), static_cast<int>(reply.number("errno")))};
}

}  // namespace

Result<std::unique_ptr<Spawner>> Spawner::start(const Layout& layout) {
  NSLAB_ASSIGN(program, init_program(layout.state_dir()));
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return kernel_error("starting the helper that makes nodes", errno);
  }
  UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  const std::vector<std::string> names = name_mounts(layout);
  const pid_t pid = ::fork();
  if (pid < 0) {
    return kernel_error("starting the helper that makes nodes", errno);
  }
  if (pid == 0) {
    become_helper(program.get(), theirs.get(), names);
  }
  return std::unique_ptr<Spawner>(new Spawner(std::move(ours), pid));
}

Spawner::~Spawner() {
  socket_.reset();  // the helper's sign to end
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Outcome Spawner::spawn(std::size_t count, const MakeRequest& make) {
  // The helper reads one request while its children reply: neither side may wait
  // for the other to read. So requests go out as replies come in, and the
  // socket's buffers hold what is under way.
  constexpr std::size_t kUnderWay = 16;
  std::vector<std::string> sent;
  std::size_t done = 0;
  Outcome failure;
  while (done < sent.size() || (!failure && sent.size() < count)) {
    if (!failure && sent.size() < count && sent.size() - done < kUnderWay) {
      failure = send(sent, make);
      continue;
    }
    // After a failure as well: a reply that nobody took would be taken for the next
    // request's.
    auto reply = receive_packet(socket_.get(), Clock::now() + Control::kPatience);
    if (!reply) {
      return failure ? std::move(failure) : Failure{done, std::move(reply).error()};
    }
    ++done;
    if (!failure && reply->verb != "ready") {
      failure = failure_of(*reply, sent);
    }
  }
  return failure;
}

Outcome Spawner::send(std::vector<std::string>& sent, const MakeRequest& make) {
  auto request = make(sent.size());
  if (!request) {
    return Failure{sent.size(), std::move(request).error()};
  }
  std::vector<int> fds;
  for (const UniqueFd& fd : request->fds) {
    fds.push_back(fd.get());
  }
  if (auto went = send_packet(socket_.get(), request->packet, fds); !went) {
    return Failure{sent.size(), std::move(went).error()};
  }
  sent.emplace_back(request->packet.get("id"));
  return {};
}

}  // namespace nslab::host
