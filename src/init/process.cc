#include "init/process.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/inherited.h"
#include "init/descriptor.h"
#include "init/members.h"
#include "init/oom.h"
#include "init/text.h"
#include "init/user.h"

namespace nslab::init {
namespace {

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kHome = "HOME=/root";

using Path = Text<PATH_MAX>;

// Finds the program as a shell does, in the PATH that it will have. 0 or an errno.
int find_program(std::string_view name, std::string_view search, Path& path) {
  if (name.find('/') != std::string_view::npos) {
    path << name;
    return 0;
  }
  int error = ENOENT;
  while (!name.empty() && !search.empty()) {
    const std::size_t colon = search.find(':');
    const std::size_t size = colon < search.size() ? colon : search.size();
    path = Path();
    path << std::string_view(search.data(), size) << "/" << name;
    if (::access(path.c_str(), X_OK) == 0) {
      return 0;
    }
    error = errno == EACCES ? EACCES : error;
    search.remove_prefix(size < search.size() ? size + 1 : size);
  }
  return error;
}

// What the child needs, and what it tells: it runs in its parent's memory while that waits.
struct Birth {
  const char* path;
  char* const* argv;
  char* const* environment;
  const char* directory;
  Streams streams;
  const User* user;  // null: as it is
  Space space;
  const DescriptorChannel& to_parent;
  int error = 0;
};

// No signals blocked or ignored, no terminal, and itself as leader of its group.
void begin_session() {
  (void)::setsid();
  for (int number = 1; number < NSIG; ++number) {
    (void)::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool take_streams(const Streams& streams) {
  return ::dup2(streams.in, STDIN_FILENO) >= 0 && ::dup2(streams.out, STDOUT_FILENO) >= 0 &&
         ::dup2(streams.err, STDERR_FILENO) >= 0;
}

// Not by the library's functions, which are for all threads of a program.
bool become(const User& user) {
  return ::syscall(SYS_setgroups, user.group_count, user.groups.data()) == 0 &&
         ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

int be_born(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  begin_session();
  set_limit({RLIMIT_NOFILE, kUsualFiles, RLIM_INFINITY});  // the init may have more open
  if (birth.space == Space::own && ::unshare(CLONE_NEWCGROUP) == 0) {
    if (const UniqueFd space = open_own_space(); space.valid()) {
      birth.to_parent.send(space.get());
    }
  }
  if (take_streams(birth.streams) && (birth.user == nullptr || become(*birth.user)) &&
      ::chdir(birth.directory) == 0) {
    (void)::execve(birth.path, birth.argv, birth.environment);
  }
  birth.error = errno;
  ::_exit(EXIT_FAILURE);
}

// Returns once the program is executed, or is known not to be: 0 or an errno.
int give_birth(Birth& birth, pid_t& pid) {
  constexpr std::size_t kStack = std::size_t{16} * 1024;
  alignas(16) std::array<char, kStack> stack;  // NOLINT: not initialised, as it is a stack
  pid = ::clone(be_born, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &birth);
  if (pid < 0) {
    return errno;
  }
  if (birth.error != 0) {
    (void)::waitpid(pid, nullptr, 0);
  }
  return birth.error;
}

// Its /dev/stdout, which it may want to open by name. Nothing but a pipe is the init's own.
void give_pipe(int fd, const User& user) {
  struct stat info {};

  if (::fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode)) {
    (void)::fchown(fd, user.uid, user.gid);
  }
}

// What a login would set, besides what is set already.
struct Login {
  User user;
  Text<300> home;
  Text<80> name;
  Text<80> logname;
  Text<160> shell;

  void add_to(Words& environment) {
    home << "HOME=" << user.home.view();
    environment.add_default(home.c_str());
    if (!user.name.view().empty()) {
      name << "USER=" << user.name.view();
      logname << "LOGNAME=" << user.name.view();
      environment.add_default(name.c_str());
      environment.add_default(logname.c_str());
    }
    if (!user.shell.view().empty()) {
      shell << "SHELL=" << user.shell.view();
      environment.add_default(shell.c_str());
    }
  }
};

}  // namespace

void Words::add_default(const char* variable) {
  const std::string_view text = variable;
  const std::string_view name(variable, text.find('='));
  if (this->variable(name).data() == nullptr) {
    add(variable);
    words_[size_] = nullptr;
  }
}

std::string_view Words::variable(std::string_view name) const {
  for (std::size_t i = 0; i < size_; ++i) {
    const std::string_view word = words_[i];
    if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=') {
      return {word.data() + name.size() + 1, word.size() - name.size() - 1};
    }
  }
  return {};
}

Failure start_process(const Reader& fields,
                      std::string_view words_key,
                      const Streams& streams,
                      Process& process,
                      Space space) {
  process = {};
  const Words argv(fields, words_key);
  Words environment(fields, "env");
  Login login;
  const bool as_other = fields.has("user");
  if (as_other) {
    INIT_TRY(find_user(fields.get("user"), login.user));
    login.add_to(environment);
    give_pipe(streams.out, login.user);
  }
  environment.add_default(kPath);
  environment.add_default(kHome);
  const char* directory = fields.get("dir", "/").data();
  if (argv.empty()) {
    return {.what = "cannot be started: it has no command", .error = EINVAL};
  }
  if (::access(directory, X_OK) != 0) {
    return failed("cannot be started in its directory", directory);
  }
  Path path;
  int error = find_program(argv.get()[0], environment.variable("PATH"), path);
  if (error == 0) {
    static const DescriptorChannel channel;
    const BeforeTheHost place;
    Birth birth{.path = path.c_str(),
                .argv = argv.get(),
                .environment = environment.get(),
                .directory = directory,
                .streams = streams,
                .user = as_other ? &login.user : nullptr,
                .space = space,
                .to_parent = channel};
    error = give_birth(birth, process.pid);
    process.space = channel.receive();
  }
  if (error != 0) {
    process = {};
    return {.what = "cannot be started:", .on = argv.get()[0], .error = error};
  }
  return kSuccess;
}

}  // namespace nslab::init
