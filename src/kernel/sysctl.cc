#include "kernel/sysctl.h"

#include <fcntl.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>

#include "base/fd.h"
#include "base/text.h"

namespace nslab::kernel {

namespace {

constexpr std::string_view kProc = "/proc/";
constexpr std::string_view kRoot = "/proc/sys/";
constexpr std::size_t kMaxValue = 4096;

constexpr std::array<std::string_view, 4> kIpcPrefixes{
    "kernel/msg", "kernel/sem", "kernel/shm", "fs/mqueue/"};

// A proc file system of this thread's own, mounted nowhere. The files below
// /proc/sys/net have one name each in all network namespaces, and within one proc
// file system the kernel looks through all that were ever opened to find one
// (proc_sys_compare() in fs/proc/proc_sysctl.c): in a thousand namespaces the next
// one takes 200 us. In one that is new after every few openings it takes 10.
class OwnProc {
 public:
  // The directory /proc, good for one opening. Failing leaves nothing behind.
  Result<int> directory() {
    if (!root_.valid() || uses_ == kMostUses) {
      NSLAB_ASSIGN(root, mount());
      root_ = std::move(root);
      uses_ = 0;
    }
    ++uses_;
    return root_.get();
  }

 private:
  // To make one costs as much as five files; from some hundred openings on the
  // search shows.
  static constexpr int kMostUses = 32;

  static Result<UniqueFd> mount() {
    const UniqueFd context(::fsopen("proc", FSOPEN_CLOEXEC));
    if (!context.valid() ||
        ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
      return kernel_error("making a proc file system", errno);
    }
    UniqueFd root(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
    if (!root.valid()) {
      return kernel_error("making a proc file system", errno);
    }
    return root;
  }

  UniqueFd root_;
  int uses_ = 0;
};

// Enters the namespace that the key belongs to and opens its file.
struct OpenKey {
  NamespaceScope scope;
  UniqueFd file;
};

Result<OpenKey> open_key(int ns_fd, std::string_view key, int flags, const std::string& what) {
  NSLAB_ASSIGN(type, namespace_of_sysctl(key));
  thread_local OwnProc proc;
  NSLAB_ASSIGN(directory, proc.directory());
  NSLAB_ASSIGN(scope, NamespaceScope::enter(ns_fd, type));
  const std::string path = sysctl_path(key).substr(kProc.size());
  UniqueFd file(::openat(directory, path.c_str(), flags | O_CLOEXEC));
  if (!file.valid()) {
    return kernel_error(what, errno);
  }
  return OpenKey{std::move(scope), std::move(file)};
}

// The family whose packets the key says are forwarded; 0 for every other key.
std::uint8_t forwarding_family(std::string_view key) {
  const std::string path = sysctl_path(key);
  if (path == "/proc/sys/net/ipv4/ip_forward" || path == "/proc/sys/net/ipv4/conf/all/forwarding") {
    return AF_INET;
  }
  return path == "/proc/sys/net/ipv6/conf/all/forwarding" ? AF_INET6 : 0;
}

// What RTM_GETNETCONF says of all interfaces together.
Result<std::optional<int>> read_forwarding(Socket& socket, std::uint8_t family) {
  Message request(RTM_GETNETCONF, 0);
  request.put_header(netconfmsg{.ncm_family = family});
  request.put_u32(NETCONFA_IFINDEX, static_cast<std::uint32_t>(NETCONFA_IFINDEX_ALL));
  std::optional<int> forwarding;
  NSLAB_TRY(socket.get(request, "reading what is forwarded", [&](const nlmsghdr& message) {
    const auto* header = header_of<netconfmsg>(message);
    if (message.nlmsg_type != RTM_NEWNETCONF || header == nullptr) {
      return;
    }
    const Attributes attributes(message, sizeof *header, NETCONFA_MAX);
    if (attributes.find(NETCONFA_FORWARDING) != nullptr) {
      forwarding = static_cast<int>(attributes.u32(NETCONFA_FORWARDING));
    }
  }));
  return forwarding;
}

}  // namespace

std::string sysctl_path(std::string_view key) {
  const std::size_t first = key.find_first_of("./");
  if (first == std::string_view::npos) {
    return {};
  }
  std::string path{key};
  if (key[first] == '.') {
    for (char& letter : path) {
      letter = letter == '.' ? '/' : letter == '/' ? '.' : letter;
    }
  }
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return {};
    }
  }
  return std::string{kRoot} + path;
}

Result<Namespace> namespace_of_sysctl(std::string_view key) {
  const std::string path = sysctl_path(key);
  const std::string_view below = std::string_view{path}.substr(std::min(kRoot.size(), path.size()));
  if (below.starts_with("net/")) {
    return Namespace::net;
  }
  if (std::any_of(kIpcPrefixes.begin(), kIpcPrefixes.end(), [&](std::string_view prefix) {
        return below.starts_with(prefix);
      })) {
    return Namespace::ipc;
  }
  return Error{.kind = ErrorKind::semantic,
               .message = "sysctl " + quote(key) + " belongs to no network or IPC namespace"};
}

Result<std::string> read_sysctl(int ns_fd, std::string_view key) {
  const std::string what = "reading sysctl " + quote(key);
  NSLAB_ASSIGN(open, open_key(ns_fd, key, O_RDONLY, what));
  std::array<char, kMaxValue> buffer{};
  const ssize_t size = ::read(open.file.get(), buffer.data(), buffer.size());
  if (size < 0) {
    return kernel_error(what, errno);
  }
  std::string value(buffer.data(), static_cast<std::size_t>(size));
  std::replace(value.begin(), value.end(), '\t', ' ');
  while (!value.empty() && value.back() == '\n') {
    value.pop_back();
  }
  return value;
}

Result<std::string> read_sysctl(Socket& socket, int netns_fd, std::string_view key) {
  if (const std::uint8_t family = forwarding_family(key); family != 0) {
    NSLAB_ASSIGN(forwarding, read_forwarding(socket, family));
    if (forwarding) {
      return std::to_string(*forwarding);
    }
  }
  return read_sysctl(netns_fd, key);
}

Result<void> write_sysctl(int ns_fd, std::string_view key, std::string_view value) {
  const std::string what = "setting sysctl " + quote(key) + " to " + quote(value);
  NSLAB_ASSIGN(open, open_key(ns_fd, key, O_WRONLY, what));
  if (::write(open.file.get(), value.data(), value.size()) < 0) {
    return kernel_error(what, errno);
  }
  return {};
}

}  // namespace nslab::kernel
