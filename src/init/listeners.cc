#include "init/listeners.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/fd.h"
#include "init/processes.h"
#include "init/text.h"

namespace nslab::init {
namespace {

constexpr std::string_view kListen = "0A";  // TCP_LISTEN, in hexadecimal

// The next word of the line, which it loses.
std::string_view word(std::string_view& line) {
  while (line.starts_with(' ')) {
    line.remove_prefix(1);
  }
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view found(line.data(), end);
  line.remove_prefix(end);
  return found;
}

std::uint32_t hexadecimal(std::string_view text) {
  std::uint32_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return number;
}

// "0100007F:1F90": each 32 bits of the address as the processor reads them, then the port.
bool to_address(std::string_view text, std::uint16_t port, sockaddr_storage& address) {
  constexpr std::size_t kWord = 8;
  const std::size_t colon = std::min(text.find(':'), text.size());
  if (colon == text.size() ||
      hexadecimal({text.data() + colon + 1, text.size() - colon - 1}) != port) {
    return false;
  }
  if (colon == kWord) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = hexadecimal({text.data(), kWord});
    return true;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  for (std::size_t i = 0; (i + 1) * kWord <= colon && i < 4; ++i) {
    const std::uint32_t part = hexadecimal({text.data() + i * kWord, kWord});
    std::memcpy(v6.sin6_addr.s6_addr + i * sizeof part, &part, sizeof part);
  }
  return true;
}

// "  0: LOCAL REMOTE STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE …"
void take(std::string_view line, std::uint16_t port, Listeners& found) {
  constexpr int kToInode = 5;
  Listener listener;
  (void)word(line);
  const std::string_view local = word(line);
  (void)word(line);
  if (word(line) != kListen || !to_address(local, port, listener.address) ||
      found.count == found.some.size()) {
    return;
  }
  for (int i = 0; i < kToInode; ++i) {
    (void)word(line);
  }
  const std::string_view inode = word(line);
  (void)std::from_chars(inode.data(), inode.data() + inode.size(), listener.inode);
  found.some[found.count++] = listener;
}

void read_table(const char* path, std::uint16_t port, Listeners& found) {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return;  // no IPv6, say
  }
  found.known = true;
  std::array<char, 4096> block{};
  std::size_t size = 0;
  for (;;) {
    const ssize_t length = ::read(file.get(), block.data() + size, block.size() - size);
    if (length <= 0) {
      return;
    }
    size += static_cast<std::size_t>(length);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = std::string_view(block.data(), size).find('\n', begin)) < size;
         begin = end + 1) {
      take({block.data() + begin, end - begin}, port, found);
    }
    std::copy(block.data() + begin, block.data() + size, block.data());
    size -= begin;
    if (size == block.size()) {
      return;  // no line of the kernel's
    }
  }
}

// The place of the listener that the process has open; the count of them without one.
std::size_t open_in(pid_t pid, const Listeners& listeners) {
  Text<48> directory;
  directory << "/proc/" << pid << "/fd";
  Processes descriptors(directory.c_str());
  for (int fd = descriptors.next(); fd >= 0; fd = descriptors.next()) {
    Text<64> link;
    link << directory.view() << "/" << fd;
    std::array<char, 32> target{};
    const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
    const std::string_view text(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    for (std::size_t i = 0; i < listeners.count; ++i) {
      Text<32> socket;
      socket << "socket:[" << static_cast<std::int64_t>(listeners.some[i].inode) << "]";
      if (text == socket.view()) {
        return i;
      }
    }
  }
  return listeners.count;
}

}  // namespace

Listeners listeners_on(std::uint16_t port) {
  Listeners found;
  read_table("/proc/self/net/tcp", port, found);
  read_table("/proc/self/net/tcp6", port, found);
  return found;
}

Holder holder_of(const Listeners& listeners, const Members& members) {
  Holder other;
  Processes processes;
  for (pid_t pid = processes.next(); pid >= 0; pid = processes.next()) {
    const bool member = members.has(pid);
    if (!member && other.pid != 0) {
      continue;
    }
    const std::size_t which = open_in(pid, listeners);
    if (which < listeners.count) {
      other = {.pid = pid, .member = member, .which = which};
      if (member) {
        return other;
      }
    }
  }
  return other;
}

}  // namespace nslab::init
