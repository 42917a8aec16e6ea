#include "host/names_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "base/text.h"
#include "host/files.h"

namespace nslab::host {

Result<void> make_names_dir(const Layout& layout) {
  static std::mutex one_at_a_time;
  const std::scoped_lock lock(one_at_a_time);

  struct stat info {};

  const std::string directory = Layout::names_dir();
  if (::stat(directory.c_str(), &info) == 0) {
    return {};
  }
  // Beforehand: we may be killed between the two.
  NSLAB_TRY(write_file(layout.names_dir_mark(), "", 0600));
  if (::mkdir(directory.c_str(), 0755) == 0) {
    return {};
  }
  const int error = errno;
  (void)::unlink(layout.names_dir_mark().c_str());
  return error == EEXIST ? Result<void>() : kernel_error("creating " + quote(directory), error);
}

}  // namespace nslab::host
