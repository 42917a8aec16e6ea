#include "host/left_behind.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/directory.h"
#include "base/text.h"
#include "host/files.h"
#include "kernel/mount.h"
#include "kernel/netns.h"

namespace nslab::host {
namespace {

// "left:4026531840:web"
constexpr std::string_view kPrefix = "left:";

}  // namespace

Result<void> leave_behind(const Layout& layout, const std::string& netns) {
  const std::string path = layout.netns(netns);
  NSLAB_ASSIGN(ns, kernel::open_namespace_file(path, kernel::Namespace::net));
  NSLAB_ASSIGN(inode, kernel::namespace_inode(ns.get()));
  const std::string left = layout.netns(std::string(kPrefix) + std::to_string(inode) + ":" + netns);
  NSLAB_TRY(write_file(left, "", 0444));
  NSLAB_TRY(kernel::bind_descriptor(ns.get(), left));
  return kernel::unmount(path);
}

Result<std::map<std::uint64_t, LeftBehind>> left_behind(const Layout& layout) {
  NSLAB_ASSIGN(names, names_in(layout.ns_dir()));
  std::map<std::uint64_t, LeftBehind> found;
  for (const std::string& name : names) {
    const std::string path = layout.netns(name);

    struct stat info {};

    if (!name.starts_with(kPrefix)) {
      continue;
    }
    if (::stat(path.c_str(), &info) != 0) {
      return kernel_error("looking for " + quote(path), errno);
    }
    found.emplace(info.st_ino, LeftBehind{.path = path, .netns = netns_of_file(name)});
  }
  return found;
}

std::string netns_of_file(std::string_view file) {
  return std::string(file.starts_with(kPrefix) ? file.substr(file.rfind(':') + 1) : file);
}

}  // namespace nslab::host
