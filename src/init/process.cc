#include "init/process.h"

#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "init/oom.h"
#include "init/text.h"

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

// What a new program finds: its streams, no signals blocked or ignored, no
// terminal, and itself as leader of its group.
class Preparation {
 public:
  Preparation(const Streams& streams, const char* directory) {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_init(&actions_);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawn_file_actions_adddup2(&actions_, streams.in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, streams.out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, streams.err, STDERR_FILENO);
    ::posix_spawn_file_actions_addchdir_np(&actions_, directory);
  }

  ~Preparation() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  Preparation(Preparation&&) = delete;
  Preparation& operator=(Preparation&&) = delete;

  int spawn(const char* path, char* const* argv, char* const* environment, pid_t& pid) {
    return ::posix_spawn(&pid, path, &actions_, &attributes_, argv, environment);
  }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
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
                      pid_t& pid) {
  const Words argv(fields, words_key);
  Words environment(fields, "env");
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
    const AsAnyOther place;
    error = Preparation(streams, directory).spawn(path.c_str(), argv.get(), environment.get(), pid);
  }
  if (error != 0) {
    pid = 0;
    return {.what = "cannot be started:", .on = argv.get()[0], .error = error};
  }
  return kSuccess;
}

}  // namespace nslab::init
