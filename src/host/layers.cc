#include "host/layers.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"
#include "host/files.h"
#include "kernel/mount.h"

namespace nslab::host {
namespace {

// While the node is down a file of its layer can simply be taken away: what is below shows
// again. The layer is the node's work, and no link in it may lead out.
void remove_from_layer(const std::string& upper, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const UniqueFd top(::open(upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
               .mode = 0,
               .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  const std::string above = "." + path.substr(0, slash);
  const UniqueFd directory(
      static_cast<int>(::syscall(SYS_openat2, top.get(), above.c_str(), &how, sizeof how)));
  (void)::unlinkat(directory.get(), path.substr(slash + 1).c_str(), 0);
}

}  // namespace

Result<Layer> make_layer(const std::string& directory, const std::string& lower) {
  Layer layer{.lower = lower, .upper = directory + "/upper", .work = directory + "/work"};
  NSLAB_TRY(make_directory(layer.upper));
  NSLAB_TRY(kernel::remove_tree(layer.work));
  NSLAB_TRY(make_directory(layer.work));
  return layer;
}

std::string layer_dir(const std::string& node_dir, const std::string& target) {
  std::array<char, 24> name{};
  (void)std::snprintf(name.data(), name.size(), "/layer-%016" PRIx64, stable_hash(target));
  return node_dir + name.data();
}

Result<void> forget_laid(const std::string& list, const Uppers& uppers) {
  const auto laid = read_file(list);
  const std::string text = laid.value_or("");
  for (const std::string_view path : split(text, '\n')) {
    if (!path.starts_with('/')) {
      continue;
    }
    std::string_view top = path;
    auto found = uppers.find(top);
    while (found == uppers.end()) {
      top = top.substr(0, top.rfind('/'));
      found = uppers.find(top);
    }
    if (path.size() > top.size()) {
      remove_from_layer(found->second, std::string(path.substr(top.size())));
    }
  }
  return laid && ::unlink(list.c_str()) != 0 ? kernel_error("removing " + quote(list), errno)
                                             : Result<void>();
}

}  // namespace nslab::host
