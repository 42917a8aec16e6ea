#include "state/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <utility>

#include "base/directory.h"
#include "base/text.h"

namespace nslab::state {
namespace {

std::string clock_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 16> text{};
  (void)std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
  return text.data();
}

// The file that is locked may have been removed by the last holder, between our
// open and our flock: then a lock on it guards nothing.
bool still_named(int file, const std::string& path) {
  struct stat held {};

  struct stat named {};

  return ::fstat(file, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

bool is_regular(int file) {
  struct stat info {};

  return ::fstat(file, &info) == 0 && S_ISREG(info.st_mode);
}

struct LockFile {
  UniqueFd fd;
  bool made = false;  // by us, just now
};

// The last lab's end removes the directory, perhaps between our two calls; not
// every time.
Result<LockFile> open_lock(const std::string& directory, const std::string& path) {
  constexpr int kAttempts = 100;
  for (int attempt = 1;; ++attempt) {
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    UniqueFd fresh(::open(path.c_str(), kFlags | O_EXCL, 0600));
    if (fresh.valid()) {
      return LockFile{.fd = std::move(fresh), .made = true};
    }
    UniqueFd file(errno == EEXIST ? ::open(path.c_str(), kFlags, 0600) : -1);
    if (file.valid() ? !is_regular(file.get()) : errno == EISDIR || errno == ELOOP) {
      return Error{.kind = ErrorKind::conflict,
                   .message = quote(path) + " is no file, and so cannot be locked",
                   .hint = "nslab did not make it: remove it or move it away"};
    }
    if (file.valid()) {
      return LockFile{.fd = std::move(file)};
    }
    if (errno != ENOENT || attempt == kAttempts) {
      Error error = kernel_error("opening " + quote(path), failed ? failed.value() : errno);
      (void)::rmdir(directory.c_str());  // if it was made just now
      return error;
    }
  }
}

Error not_locked(const std::string& path, int os_error) {
  return os_error == EINTR ? interruption() : kernel_error("locking " + quote(path), os_error);
}

// Whom the kernel knows as the holder: "process 17", from a line such as
// "3: FLOCK  ADVISORY  WRITE 17 00:2f:1234 0 EOF". Empty where it tells nobody.
std::string holder_by_kernel(int file) {
  struct stat info {};

  if (::fstat(file, &info) != 0) {
    return {};
  }
  std::ostringstream place;  // "00:2f:1234", see proc_locks(5)
  place << " " << std::hex << std::setfill('0') << std::setw(2) << major(info.st_dev) << ":"
        << std::setw(2) << minor(info.st_dev) << ":" << std::dec << info.st_ino << " ";
  const std::string inode = place.str();
  std::ifstream locks("/proc/locks");
  std::string line;
  while (std::getline(locks, line)) {
    std::istringstream words(line);
    std::string number;
    std::string type;
    std::string advisory;
    std::string mode;
    int pid = 0;
    if (words >> number >> type >> advisory >> mode >> pid && type == "FLOCK" && pid > 0 &&
        line.find(inode) != std::string::npos) {
      return "process " + std::to_string(pid);
    }
  }
  return {};
}

// The holder writes its name just after it has the lock: until then, its number
// has to do. Empty where it has let go.
std::string holder_of(int file) {
  std::array<char, 128> text{};
  const ssize_t length = ::pread(file, text.data(), text.size(), 0);
  if (length > 0) {
    return {text.data(), static_cast<std::size_t>(length)};
  }
  return holder_by_kernel(file);
}

void name_holder(int file, const std::string& purpose) {
  const std::string holder = "'nslab " + purpose + "' (pid " + std::to_string(::getpid()) +
                             ", since " + clock_time() + ")";
  (void)::ftruncate(file, 0);
  (void)::pwrite(file, holder.data(), holder.size(), 0);
}

}  // namespace

Result<LabLock> LabLock::take(const std::string& state_dir,
                              const std::string& lab,
                              const std::string& purpose,
                              bool wait) {
  constexpr int kAttempts = 100;
  const std::string path = state_dir + "/" + lab + ".lock";
  for (int attempt = 1;; ++attempt) {
    NSLAB_ASSIGN(opened, open_lock(state_dir, path));
    UniqueFd& file = opened.fd;
    if (::flock(file.get(), LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
      if (errno != EWOULDBLOCK) {
        Error error = not_locked(path, errno);
        // Somebody may have locked it before us, and unlinking it would let a third one in.
        if (opened.made && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
            still_named(file.get(), path)) {
          (void)::unlink(path.c_str());
          (void)remove_if_empty(state_dir);
        }
        return error;
      }
      const std::string holder = holder_of(file.get());
      if (holder.empty() && attempt < kAttempts) {
        continue;  // it has ended by now
      }
      return Error{.kind = ErrorKind::conflict,
                   .message = "lab " + quote(lab) + " is being changed by " +
                              (holder.empty() ? "another command" : holder),
                   .hint = "wait for it to end, or give --wait"};
    }
    if (still_named(file.get(), path)) {
      name_holder(file.get(), purpose);
      return LabLock(std::move(file), path, state_dir);
    }
  }
}

LabLock::~LabLock() {
  (void)release();
}

Result<void> LabLock::release() {
  if (!file_.valid()) {
    return {};
  }
  // Removed while it is held: whoever opened it meanwhile notices (still_named).
  const UniqueFd held = std::move(file_);
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
    return kernel_error("removing " + quote(path_), errno);
  }
  return remove_if_empty(directory_);  // of the last lab
}

}  // namespace nslab::state
