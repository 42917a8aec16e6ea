#include "init/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/fd.h"
#include "base/inherited.h"
#include "init/capabilities.h"
#include "init/failure.h"
#include "init/list.h"
#include "init/node.h"
#include "init/oom.h"
#include "init/packet.h"
#include "init/root.h"
#include "init/syscalls.h"
#include "init/text.h"

namespace nslab::init {
namespace {

// A node under way. Its report comes through a pipe, of which only the node has
// the other end: also one that is killed is noticed.
struct Job {
  std::unique_ptr<Job> next;
  Packet request;
  UniqueFd report;
  bool done = false;
};

// While some wait in the kernel, for RCU as a rule, others keep the processors busy. More
// at once would only wait for each other.
constexpr std::size_t kMaxJobs = 16;

// Namespaces that only a process's children enter. The spawner chooses them for
// the next child, and takes its own back.
class ChildNamespaces {
 public:
  ChildNamespaces() = default;

  // Where there is no way back, the next node would be born into this one's namespaces:
  // better no spawner than that.
  ~ChildNamespaces() {
    if ((pid_.valid() && ::setns(pid_.get(), CLONE_NEWPID) != 0) ||
        (time_.valid() && ::setns(time_.get(), CLONE_NEWTIME) != 0)) {
      ::_exit(EXIT_FAILURE);
    }
  }

  ChildNamespaces(const ChildNamespaces&) = delete;
  ChildNamespaces& operator=(const ChildNamespaces&) = delete;
  ChildNamespaces(ChildNamespaces&&) = delete;
  ChildNamespaces& operator=(ChildNamespaces&&) = delete;

  Failure choose(const Packet& request) {
    if (const int pid = request.fd("pid"); pid >= 0) {
      pid_.reset(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
      if (!pid_.valid() || ::setns(pid, CLONE_NEWPID) != 0) {
        return failed("joining the PID namespace");
      }
    }
    const int time = request.fd("time");
    const bool new_time = (request.fields().number("clone") & CLONE_NEWTIME) != 0;
    if (time < 0 && !new_time) {
      return kSuccess;
    }
    time_.reset(::open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC));
    if (!time_.valid() || (time >= 0 && ::setns(time, CLONE_NEWTIME) != 0)) {
      return failed("joining the time namespace");
    }
    return new_time ? make_time_namespace(request) : kSuccess;
  }

 private:
  static Failure make_time_namespace(const Packet& request) {
    if (::unshare(CLONE_NEWTIME) != 0) {
      return failed("making a time namespace");
    }
    Text<128> offsets;
    offsets << "monotonic " << request.fields().number("monotonic") << " 0\n"
            << "boottime " << request.fields().number("boottime") << " 0\n";
    const UniqueFd file(::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
    if (!file.valid() || ::write(file.get(), offsets.c_str(), offsets.view().size()) < 0) {
      return failed("setting the clocks of the time namespace");
    }
    return kSuccess;
  }

  UniqueFd pid_;
  UniqueFd time_;
};

// What all nodes are made from.
struct Ground {
  UniqueFd host_mounts;  // the mount namespace of those that share the host's
  Failure stage;         // of make_stage()
};

// Forks the node, which reports through `report`.
Failure launch(const Packet& request, const Ground& ground, UniqueFd report) {
  INIT_TRY(ground.stage);
  if (request.fd("listen") < 0) {
    return {.what = "the request for a node lacks its socket", .error = EINVAL};
  }
  ChildNamespaces namespaces;
  INIT_TRY(namespaces.choose(request));
  clone_args arguments{};
  arguments.flags = clone_flags(request);
  arguments.exit_signal = SIGCHLD;
  if (const int cgroup = request.fd("cgroup2"); cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  const pid_t pid = clone3(arguments);
  if (pid == 0) {
    become_node(request, ground.host_mounts.get(), report.release());
  }
  return pid < 0 ? failed("making the node's process") : kSuccess;
}

void reply(const Packet& request, const Failure& failure) {
  Writer writer(failure ? "failed" : "ready");
  writer.add("id", request.get("id"));
  if (failure) {
    Text<512> what;
    what << failure.what << (failure.on.empty() ? "" : " ") << failure.on;
    writer.add("what", what.view()).add("errno", failure.error);
  }
  const std::string_view bytes = writer.bytes();
  while (::send(kSpawnerSocket, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) {
      ::_exit(EXIT_FAILURE);  // that tells nslab, too
    }
  }
}

void begin(List<Job>& jobs, Packet request, const Ground& ground) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    reply(request, failed("making a pipe"));
    return;
  }
  UniqueFd report(ends[0]);
  if (const Failure failure = launch(request, ground, UniqueFd(ends[1]))) {
    reply(request, failure);
    return;
  }
  request.close_descriptors();
  jobs.add(Job{.request = std::move(request), .report = std::move(report)});
}

void finish(Job& job) {
  Report report{};
  const ssize_t length = ::read(job.report.get(), &report, sizeof report);
  if (length < 0 && errno == EINTR) {
    return;
  }
  job.done = true;
  if (length == sizeof report) {
    reply(job.request, report.failure());
  } else {
    reply(job.request,
          {.what = "the node's init was killed while it set the node up", .error = EIO});
  }
}

// Waits for a request, while there is room for one, or for a node's report. False
// when the socket is closed.
bool step(List<Job>& jobs, const Ground& ground) {
  std::array<pollfd, kMaxJobs + 1> polls{};
  nfds_t count = 0;
  polls[count++] = {.fd = jobs.size() < kMaxJobs ? kSpawnerSocket : -1, .events = POLLIN};
  for (const Job& job : jobs) {
    polls[count++] = {.fd = job.report.get(), .events = POLLIN};
  }
  if (::poll(polls.data(), count, -1) < 0) {
    return errno == EINTR;
  }
  const pollfd* poll = &polls[1];
  for (Job& job : jobs) {
    if ((poll++)->revents != 0) {
      finish(job);
    }
  }
  jobs.remove_if([](const Job& job) { return job.done; });
  if (polls[0].revents == 0) {
    return true;
  }
  Packet request;
  if (const int error = request.receive(kSpawnerSocket); error != 0) {
    return error == EAGAIN || error == EINTR;
  }
  begin(jobs, std::move(request), ground);
  return true;
}

// An init has descriptors for each of its services, and for each of its clients.
void raise_own_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
  }
}

// A node does not inherit what its maker's caller ignores or blocks.
void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    (void)::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

int spawn() {
  reset_signals();
  begin_as_ever();
  // The init's own: what it starts has the usual number.
  raise_own_limit();
  (void)::signal(SIGCHLD, SIG_IGN);  // the kernel reaps the inits that end first
  (void)::fcntl(kSpawnerSocket, F_SETFD, FD_CLOEXEC);
  // Once, for all nodes. One that it fails for says so itself.
  come_last();
  (void)limit_capabilities();
  // By the parent: the spawner has a copy of its own.
  Text<64> path;
  path << "/proc/" << ::getppid() << "/ns/mnt";
  Ground ground{.host_mounts = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
  ground.stage = make_stage();
  List<Job> jobs;
  while (step(jobs, ground)) {
  }
  return EXIT_SUCCESS;
}

}  // namespace nslab::init
