// Runs a program and lets one of its system calls go wrong (see docs/reliability.md).
//
//   inject [--in main|helper|node] [--trace FILE] [--at CALL:N:WHAT]... -- COMMAND...
//
// CALL is the number of a system call, or "any"; N counts from 1 the calls of that
// number that the process begins, in whichever of its threads; WHAT is "kill", which
// ends all of them, "interrupt", which sends the process SIGINT as the call begins, or an
// errno that the call returns without having been carried out.
// A second --at counts from where the first one struck. Exits as COMMAND does, 128 + N
// where signal N ended it. The trace has one line per call: its number; and
// "hit NUMBER" where it struck. In which order threads make their calls is another
// each time.
//
// `main` is COMMAND itself, `helper` its first child, `node` that one's first
// child. Unlike strace(1), this knows them apart and follows nobody else: a node
// outlives the command, and what follows it would never end.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr int kUsage = 125;
constexpr long kAny = -1;

struct Strike {
  long call = kAny;
  long count = 0;
  int signal = 0;  // or else
  int error = 0;
};

struct Options {
  int depth = 0;
  std::FILE* trace = nullptr;
  std::vector<Strike> strikes;
  char** command = nullptr;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(kUsage);
}

Strike parse_strike(const std::string& text) {
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first + 1);
  if (second == std::string::npos) {
    errno = EINVAL;
    fail(text.c_str());
  }
  const std::string what = text.substr(second + 1);
  return {.call = text.starts_with("any:") ? kAny : std::atol(text.c_str()),
          .count = std::atol(text.c_str() + first + 1),
          .signal = what == "kill"        ? SIGKILL
                    : what == "interrupt" ? SIGINT
                                          : 0,
          .error = std::atoi(what.c_str())};
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") {
      options.command = argv + i + 1;
      return options;
    }
    const std::string value = argv[++i];
    if (word == "--in") {
      options.depth = value == "node" ? 2 : value == "helper" ? 1 : 0;
    } else if (word == "--trace") {
      options.trace = std::fopen(value.c_str(), "we");
    } else if (word == "--at") {
      options.strikes.push_back(parse_strike(value));
    }
  }
  errno = EINVAL;
  fail("usage: inject [--in main|helper|node] [--trace FILE] [--at CALL:N:WHAT]... -- COMMAND...");
}

pid_t start(char** command) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    (void)::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    (void)::raise(SIGSTOP);
    (void)::execvp(command[0], command);
    ::_exit(127);
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
    fail("starting the command");
  }
  return pid;
}

// Whether it is a thread of that process, and not a child.
bool is_thread_of(pid_t process, pid_t task) {
  const std::string path = "/proc/" + std::to_string(process) + "/task/" + std::to_string(task);
  return ::access(path.c_str(), F_OK) == 0;
}

// The line of processes from the command down to the one whose calls count.
class Tracer {
 public:
  explicit Tracer(Options options)
      : options_(std::move(options)), command_(start(options_.command)) {
    add(command_, {.process = command_, .place = 0});
  }

  int run() {
    resume(command_, 0);
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, __WALL);
      if (pid < 0) {
        fail("waiting for the command");
      }
      if (WIFSTOPPED(status)) {
        stopped(pid, status);
      } else if (pid == command_) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      } else {
        tasks_.erase(pid);
      }
    }
  }

 private:
  // A thread of a process in the line.
  struct Task {
    pid_t process = 0;
    int place = 0;          // of the process in the line
    int pending_error = 0;  // what the call under way is to return
  };

  [[nodiscard]] bool counts(const Task& task) const { return task.place == options_.depth; }

  void add(pid_t pid, const Task& task) {
    long flags = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
    if (!counts(task)) {
      flags |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    }
    (void)::ptrace(PTRACE_SETOPTIONS, pid, nullptr, flags);
    tasks_[pid] = task;
  }

  void resume(pid_t pid, int signal) const {
    const auto request = counts(tasks_.at(pid)) ? PTRACE_SYSCALL : PTRACE_CONT;
    (void)::ptrace(request, pid, nullptr, signal);
  }

  void stopped(pid_t pid, int status) {
    if (!tasks_.contains(pid)) {
      early_.push_back(pid);  // its birth is yet to be told
      return;
    }
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      unsigned long child = 0;
      (void)::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &child);
      born(tasks_.at(pid), static_cast<pid_t>(child));
      resume(pid, 0);
    } else if (signal == (SIGTRAP | 0x80)) {
      at_call(pid);
      resume(pid, 0);
    } else {
      resume(pid, signal != SIGTRAP && signal != SIGSTOP ? signal : 0);
    }
  }

  // A thread belongs to its process, and the first child is in the line; any other
  // goes its own way.
  void born(Task parent, pid_t child) {
    if (std::erase(early_, child) == 0) {
      int status = 0;
      if (::waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status)) {
        return;  // it was killed before its first stop
      }
    }
    if (is_thread_of(parent.process, child)) {
      parent.pending_error = 0;
    } else if (parent.place == last_ && last_ < options_.depth) {
      parent = {.process = child, .place = ++last_};
    } else {
      (void)::ptrace(PTRACE_DETACH, child, nullptr, nullptr);
      return;
    }
    add(child, parent);
    resume(child, 0);
  }

  void at_call(pid_t pid) {
    __ptrace_syscall_info info{};
    (void)::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    Task& task = tasks_.at(pid);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      entering(pid, task, static_cast<long>(info.entry.nr));
    } else if (task.pending_error != 0) {
      poke(pid, kRax, -task.pending_error);
      task.pending_error = 0;
    }
  }

  void entering(pid_t pid, Task& task, long call) {
    note("%ld\n", call);
    if (next_ == options_.strikes.size()) {
      return;
    }
    const Strike& strike = options_.strikes[next_];
    if ((strike.call != kAny && strike.call != call) || ++seen_ < strike.count) {
      return;
    }
    note("hit %ld\n", call);
    ++next_;
    seen_ = 0;
    if (strike.signal != 0) {
      (void)::kill(task.process, strike.signal);
      return;
    }
    poke(pid, kOrigRax, -1);  // no such call: nothing is carried out
    task.pending_error = strike.error;
  }

  void note(const char* format, long call) const {
    if (options_.trace != nullptr) {
      (void)std::fprintf(options_.trace, format, call);
      if (std::strncmp(format, "hit", 3) == 0) {
        (void)std::fflush(options_.trace);
      }
    }
  }

  static constexpr long kRegister = sizeof(long);
  static constexpr long kRax = 10 * kRegister;  // as <sys/reg.h> numbers them
  static constexpr long kOrigRax = 15 * kRegister;

  static void poke(pid_t pid, long where, long value) {
    (void)::ptrace(PTRACE_POKEUSER, pid, where, value);
  }

  Options options_;
  pid_t command_;
  int last_ = 0;                 // the place of the last process in the line
  std::map<pid_t, Task> tasks_;  // of the line
  std::vector<pid_t> early_;
  std::size_t next_ = 0;
  long seen_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int status = Tracer(parse(argc, argv)).run();
  std::fflush(nullptr);
  // What else is traced goes on by itself.
  return status;
}
