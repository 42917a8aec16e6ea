#include "host/spawner.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "base/directory.h"
#include "base/text.h"
#include "host/init_program.h"

namespace nslab::host {
namespace {

using Clock = std::chrono::steady_clock;

// The tmpfs of names of every lab on this host.
std::vector<std::string> name_mounts(const std::string& state_dir) {
  std::vector<std::string> found;
  for (const std::string& lab : names_in(state_dir).value_or({})) {
    found.push_back(state_dir + "/" + lab + "/ns");  // if it is none, nothing is mounted there
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
  std::array<char*, 3> argv{const_cast<char*>("nslab-init"), const_cast<char*>("spawn"), nullptr};
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

}  // namespace

Result<std::unique_ptr<Spawner>> Spawner::start(const std::string& state_dir) {
  NSLAB_ASSIGN(program, init_program());
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return kernel_error("starting the helper that makes nodes", errno);
  }
  UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  const std::vector<std::string> names = name_mounts(state_dir);
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

Outcome Spawner::spawn(std::span<NodeRequest> requests) {
  // The helper reads one request while its children reply: neither side may wait
  // for the other to read. So requests go out as replies come in, and the
  // socket's buffers hold what is under way.
  constexpr std::size_t kUnderWay = 8;
  std::size_t sent = 0;
  std::size_t done = 0;
  while (done < requests.size()) {
    if (sent < requests.size() && sent - done < kUnderWay) {
      std::vector<int> fds;
      for (const UniqueFd& fd : requests[sent].fds) {
        fds.push_back(fd.get());
      }
      if (auto went = send_packet(socket_.get(), requests[sent].packet, fds); !went) {
        return Failure{sent, std::move(went).error()};
      }
      requests[sent].fds.clear();
      ++sent;
      continue;
    }
    if (auto failure = collect(requests, sent, done)) {
      return failure;
    }
  }
  return {};
}

// Waits for the reply of one of the nodes that are under way.
Outcome Spawner::collect(std::span<const NodeRequest> requests,
                         std::size_t& sent,
                         std::size_t& done) {
  auto reply = receive_packet(socket_.get(), Clock::now() + Control::kPatience);
  if (!reply) {
    return Failure{done, std::move(reply).error()};
  }
  ++done;
  if (reply->verb == "ready") {
    return {};
  }
  std::size_t index = 0;
  while (index + 1 < sent && requests[index].packet.get("id") != reply->get("id")) {
    ++index;
  }
  return Failure{
      index,
      kernel_error(std::string(reply->get("what")), static_cast<int>(reply->number("errno")))};
}

}  // namespace nslab::host
