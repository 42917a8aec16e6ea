#include "kernel/offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/text.h"

namespace nslab::kernel {
namespace {

// An ethtool command is its number, a count, and that many blocks.
template <typename Block>
class Command {
 public:
  // The kernel has 64 features or a few more.
  static constexpr std::uint32_t kMostWords = 8;

  Command(std::uint32_t command, std::uint32_t words)
      : words_(2 + kMostWords * (sizeof(Block) / sizeof(std::uint32_t))) {
    words_[0] = command;
    words_[1] = words;
  }

  [[nodiscard]] std::uint32_t words() const { return words_[1]; }

  [[nodiscard]] Block block(std::uint32_t word) const {
    Block block{};
    std::memcpy(&block, at(word), sizeof block);
    return block;
  }

  void set(std::uint32_t word, const Block& block) {
    std::memcpy(const_cast<std::uint32_t*>(at(word)), &block, sizeof block);
  }

  Result<void> run(const std::string& interface) {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(words_.data());
    if (!socket.valid() || ::ioctl(socket.get(), SIOCETHTOOL, &request) < 0) {
      return kernel_error("asking for the offloads of " + quote(interface), errno);
    }
    return {};
  }

 private:
  [[nodiscard]] const std::uint32_t* at(std::uint32_t word) const {
    return words_.data() + 2 + word * (sizeof(Block) / sizeof(std::uint32_t));
  }

  std::vector<std::uint32_t> words_;
};

using Get = Command<ethtool_get_features_block>;
using Set = Command<ethtool_set_features_block>;

Result<Get> read(const std::string& interface) {
  Get get(ETHTOOL_GFEATURES, Get::kMostWords);
  NSLAB_TRY(get.run(interface));
  if (get.words() > Get::kMostWords) {
    return kernel_error("asking for the offloads of " + quote(interface), E2BIG);
  }
  return get;
}

}  // namespace

Result<Offloads> offloads(const std::string& interface) {
  NSLAB_ASSIGN(get, read(interface));
  Offloads asked;
  for (std::uint32_t word = 0; word < get.words(); ++word) {
    asked.push_back(get.block(word).requested);
  }
  return asked;
}

Result<void> set_offloads(const std::string& interface, const Offloads& asked) {
  NSLAB_ASSIGN(get, read(interface));
  Set set(ETHTOOL_SFEATURES, get.words());
  bool differs = false;
  for (std::uint32_t word = 0; word < get.words() && word < asked.size(); ++word) {
    const auto now = get.block(word);
    const std::uint32_t changed = (now.requested ^ asked[word]) & now.available;
    differs = differs || changed != 0;
    set.set(word, {.valid = changed, .requested = asked[word] & changed});
  }
  return differs ? set.run(interface) : Result<void>();
}

}  // namespace nslab::kernel
