#include "init/syslog.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

namespace nslab::init {
namespace {

constexpr std::string_view kPath = "/dev/log";
// Of syslog(3) and logger(1), a message has 1 or 8 KiB at most.
constexpr std::size_t kLongest = 8192;

// Everybody may write to it.
UniqueFd listen_on(std::string_view path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(address.sun_path, 0666) != 0) {
    socket.reset();
  }
  return socket;
}

// Without "<13>", and without what may end it.
std::string_view text_of(std::string_view message) {
  if (message.starts_with('<')) {
    const std::size_t end = message.find('>');
    message.remove_prefix(end < 5 ? end + 1 : 0);
  }
  while (!message.empty() && (message.back() == '\n' || message.back() == '\0')) {
    message.remove_suffix(1);
  }
  return message;
}

}  // namespace

Syslog::Syslog(UniqueFd file)
    : socket_(listen_on(kPath)), log_(std::move(file), Log::Input::none) {}

void Syslog::copy() {
  constexpr int kRounds = 64;  // as in Log::copy()
  std::array<char, kLongest + 1> message{};
  for (int round = 0; round < kRounds; ++round) {
    const ssize_t length = ::recv(socket_.get(), message.data(), kLongest, MSG_DONTWAIT);
    if (length < 0) {
      return;
    }
    const std::string_view text = text_of({message.data(), static_cast<std::size_t>(length)});
    char* end = message.data() + (text.data() - message.data()) + text.size();
    *end = '\n';
    log_.note({text.data(), text.size() + 1});
  }
}

}  // namespace nslab::init
