// What nslab and the program in a node say to each other.
//
// Both conversations are over SOCK_SEQPACKET sockets. A packet is a list of
// strings, each with its NUL: a verb, then "key=value" for each field. Keys may
// repeat; their order is kept. Descriptors travel beside it by SCM_RIGHTS, in
// the order of the fields "fd=NAME". Numbers are decimal, also file modes. What
// a receiver does not know it ignores. libc and header-only C++ here, as both
// sides include it.
//
// THE SPAWNER is started as `nslab-init spawn [PADDING]` with the socket as
// descriptor 3, in a private copy of the host's mount namespace. It ends when the
// other end is closed; the nodes that it made do not. PADDING leaves room for a
// node's name in the process list.
//
//   node   id=        opaque, comes back with the reply
//          name=      for the process list
//          hostname=  also written to /etc/hostname; only with a new UTS namespace
//          clone=     the CLONE_NEW* that the node has of its own, summed: of pid,
//                     mnt, uts, ipc, cgroup and time
//          monotonic=SECONDS boottime=SECONDS  offsets of a new time namespace
//          attach=    a `tasks` file of cgroup v1, to enter by writing "0" (may repeat)
//          cgroup1=   controllers, with commas, of a hierarchy of cgroup v1 to show at
//                     /sys/fs/cgroup (may repeat)
//          root=      overlay or host, with a new mount namespace. Without one
//                     the node has the mount namespace of fd=mnt or, failing
//                     that, of the spawner's parent, and nothing is mounted.
//          base= lower=  of the overlay, topmost first (may repeat). With a user namespace
//                     the owners of files in `lower` have to be mapped to it
//          upper= work=  of the overlay: what the node wrote before, and an empty
//                     directory
//          layer=TARGET<TAB>LOWER<TAB>UPPER<TAB>WORK  a further overlay, of a
//                     file system mounted at TARGET of the root (may repeat)
//          machine_id=  for /etc/machine-id
//          run=TYPE MODE UID GID PATH [TARGET]  a directory, file or link (TYPE d, f or
//                     L) below /run: what the boot of a machine makes there. MODE is
//                     octal, PATH relative (may repeat)
//          tmp_limits= run_limits= shm_limits=  options of the kernel for these tmpfs
//          ptys=      how many terminals it may have; any without it
//          env= spec= sees=  as of the control verb `node`
//          fd=net user pid ipc uts mnt cgroup time  namespaces to join
//          fd=cgroup2  the directory of its cgroup v2
//          fd=listen  where to listen for control: bound, not yet listening (needed)
//     -> ready id= | failed id= what= errno=
//   Exactly one reply a request, in the order in which the nodes are done. Many
//   requests may be under way.
//
// THE INIT listens on the socket it was given; SO_PEERCRED of a connection names
// it. A connection carries one request at a time: the next is read when the last
// has been answered. Any verb may be answered by
//     -> error what= errno=        nothing was done; errno 0 for a bad request
//
//   start  name= argv=... env=... dir= ready=started|tcp|exec|file|http port=
//          path= rargv=... interval_ms= timeout_ms= restart=never|on-failure|always
//          user= once=0|1 stop_signal=TERM stop_timeout_ms= spec= fd=log fd=syslog
//     -> ok                        also when the command cannot be executed, which
//                                  `wait` and `status` tell
//   stop   name=
//     -> ok                        gone and forgotten, or never known
//   wait   name= stands=0|1
//     -> ready                     it is or has been ready; with `stands`, it runs since a
//                                  quarter of a second, or is ready, now. A job: it is done
//     -> failed what= errno=       it ended for good before it was, or was not in
//                                  time; `what` follows upon "service NAME"
//   run    argv=... env=... dir= key= spec= fd=stdin fd=stdout fd=stderr
//          or, of setup: title= fd=log fd=syslog   what it prints goes to the log that
//                                  came first, after a line with the title
//     -> exit code= from= | exit signal= from=
//                                  code 0: remembered under `key`, where there is one.
//                                  from: where in the log its output begins
//     -> failed what= errno=       it cannot be executed
//          The command is killed when its connection is closed.
//   about
//     -> node hostname= env=... spec= sees= tmp_bytes= tmp_device= run_bytes= …
//          what a tmpfs that it began with may hold, and its device number; nothing
//          of one that something else is mounted on
//   status
//     -> service name= spec= state= pid= restarts= code= signal= what= started_ms=
//          (each)  pid is the node's; 0 when it does not run. code or signal: how
//          it ended last. what: why it failed. started_ms: since it started.
//     -> setup key= spec=          (each command that `run` remembers)
//     -> file path= spec= content= mode= owned=0|1 cut=1   (each) as it is now. No content:
//          it is not there. cut: there is more than the content, by length or
//          because of a NUL byte
//     -> directory path= spec= mode= owned=0|1   (each) No mode: it is not there.
//          owned: it still is its owner's, as for `file`
//     -> mount target= spec= present=0|1 read_only=0|1   (each)
//              device= inode=, and of a tmpfs bytes= mode= owned=0|1   where present
//     -> node …                    as of `about` (the last one; then the init hangs up)
//   hostname name=
//     -> ok                        also in /etc/hostname, where the root is its own
//   node   spec= env=... sees=   sees, the file systems in its root: as before where it is
//          not there
//     -> ok                        replaces what `status` says of the node
//   ptys   max=
//     -> ok                        so many terminals may be open at a time
//   mkdir  path= mode= owner=USER[:GROUP] spec=
//     -> ok                        made, with what is above it, or changed
//   rmdir  path=
//     -> ok                        forgotten, and gone if it was made here and is empty
//   write  path= mode= owner=USER[:GROUP] content= spec=
//     -> ok at=                    creates directories; keeps the file's inode. at: where
//          it is in the end, without links; not there where it covers the host's
//   remove path= and, to have that in its place, fd=host uid= gid= mode=
//     -> ok                        gone and forgotten, or never there
//   mount  target= spec= and fd=tree (a detached mount) or tmpfs=1 size= read_only=
//          mode= owner=
//     -> ok                        creates the target, but for what is the host's
//   unmount target=
//     -> ok                        gone and forgotten, or never there
//
// What is sent to /dev/log goes to the first fd=syslog that came.
//
// SIGTERM lets it stop its services, and then ends it.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace nslab::init {

// Of these packets and of what is remembered in `spec`, in every answer `node`. An init goes on
// as long as its node, whatever nslab is installed meanwhile. One of another version is made
// anew by `up`; to take it down, to enter its node and to read its logs needs none of them.
inline constexpr std::int64_t kProtocolVersion = 1;
// A little less than what the socket buffers of an ordinary kernel take at once.
inline constexpr std::size_t kMaxPacket = std::size_t{192} * 1024;
// Descriptors with one packet.
inline constexpr std::size_t kMaxFds = 16;
// The most of a file that `write` takes and `status` shows: what a lab file may ask for.
inline constexpr std::size_t kMaxContent = std::size_t{64} * 1024;
// Where the spawner expects its socket.
inline constexpr int kSpawnerSocket = 3;

// The states of a service.
inline constexpr std::string_view kStarting = "starting";  // runs, not yet ready
inline constexpr std::string_view kReady = "ready";
inline constexpr std::string_view kRunning = "running";    // runs, and was not ready in time
inline constexpr std::string_view kBackoff = "backoff";    // ended, and starts again soon
inline constexpr std::string_view kExited = "exited";      // ended for good, with status 0
inline constexpr std::string_view kDone = "done";          // a job, ended with status 0
inline constexpr std::string_view kFailed = "failed";      // ended for good, otherwise
inline constexpr std::string_view kStopping = "stopping";  // told to end, and may have

// Builds a packet.
class Writer {
 public:
  explicit Writer(std::string_view verb) { append(verb, '\0'); }

  ~Writer() { std::free(bytes_); }

  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  Writer(Writer&&) = delete;
  Writer& operator=(Writer&&) = delete;

  Writer& add(std::string_view key, std::string_view value) {
    append(key, '=');
    append(value, '\0');
    return *this;
  }

  Writer& add(std::string_view key, std::int64_t number) {
    std::array<char, 24> text{};
    const char* end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    return add(key, std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
  }

  // False when it is longer than a packet may be, when memory ran out, or when a
  // value has a NUL: it must not be sent.
  [[nodiscard]] bool valid() const { return valid_; }

  [[nodiscard]] std::string_view bytes() const { return {bytes_, size_}; }

 private:
  void append(std::string_view text, char end) {
    valid_ = valid_ && text.find('\0') == std::string_view::npos && reserve(text.size() + 1);
    if (valid_ && bytes_ != nullptr) {
      text.copy(bytes_ + size_, text.size());
      size_ += text.size();
      bytes_[size_++] = end;
    }
  }

  bool reserve(std::size_t more) {
    if (more > kMaxPacket - size_) {
      return false;
    }
    if (size_ + more <= capacity_) {
      return true;
    }
    const std::size_t capacity = (size_ + more) * 2;
    auto* grown = static_cast<char*>(std::realloc(bytes_, capacity));
    if (grown == nullptr) {
      return false;
    }
    bytes_ = grown;
    capacity_ = capacity;
    return true;
  }

  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  bool valid_ = true;
};

struct Field {
  std::string_view key;
  std::string_view value;  // its data() is a C string, as a NUL follows
};

// Reads a packet: a range of Fields. The bytes must outlive it.
class Reader {
 public:
  Reader() = default;

  explicit Reader(std::string_view packet) {
    if (packet.empty() || packet.front() == '\0' || packet.back() != '\0') {
      return;
    }
    verb_ = packet.data();
    fields_ = packet;
    fields_.remove_prefix(verb_.size() + 1);
    for (std::string_view rest = fields_; !rest.empty();) {
      const std::string_view text = rest.data();
      if (const auto equals = text.find('='); equals == std::string_view::npos || equals == 0) {
        *this = Reader();
        return;
      }
      rest.remove_prefix(text.size() + 1);
    }
  }

  // Empty, and no fields, for a malformed packet.
  [[nodiscard]] std::string_view verb() const { return verb_; }

  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) {}

    Field operator*() const {
      const std::string_view text = rest_.data();
      const std::size_t equals = text.find('=');
      return {{text.data(), equals}, {text.data() + equals + 1, text.size() - equals - 1}};
    }

    Iterator& operator++() {
      rest_.remove_prefix(std::strlen(rest_.data()) + 1);
      return *this;
    }

    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    std::string_view rest_;
  };

  [[nodiscard]] Iterator begin() const { return Iterator(fields_); }

  [[nodiscard]] Iterator end() const { return Iterator({}); }

  // The first value of a key; `fallback` when it is not there.
  [[nodiscard]] std::string_view get(std::string_view key, std::string_view fallback = "") const {
    for (const Field field : *this) {
      if (field.key == key) {
        return field.value;
      }
    }
    return fallback;
  }

  [[nodiscard]] bool has(std::string_view key) const { return count(key) != 0; }

  // `fallback` also for what is no number.
  [[nodiscard]] std::int64_t number(std::string_view key, std::int64_t fallback = 0) const {
    const std::string_view text = get(key);
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failed == std::errc() && end == text.data() + text.size() ? value : fallback;
  }

  [[nodiscard]] std::size_t count(std::string_view key) const {
    std::size_t count = 0;
    for (const Field field : *this) {
      count += field.key == key ? 1 : 0;
    }
    return count;
  }

 private:
  std::string_view verb_;
  std::string_view fields_;
};

}  // namespace nslab::init
