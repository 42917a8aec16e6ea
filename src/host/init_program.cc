#include "host/init_program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "base/write.h"
#include "host/layout.h"

// The program of init/, embedded by src/init/CMakeLists.txt.
extern "C" const char nslab_init_image[];
extern "C" const char nslab_init_image_end[];

namespace nslab::host {

Result<std::string> init_program_name(const std::string& state_dir) {
  NSLAB_ASSIGN(mark, state_mark(state_dir));
  return "nslab-init-" + std::to_string(stable_hash(mark));
}

Result<UniqueFd> init_program(const std::string& state_dir) {
  NSLAB_ASSIGN(name, init_program_name(state_dir));
  UniqueFd program(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!program.valid()) {
    return kernel_error("making a file for the node's init", errno);
  }
  const auto size = static_cast<std::size_t>(nslab_init_image_end - nslab_init_image);
  if (const int error = write_all(program.get(), {nslab_init_image, size}); error != 0) {
    return kernel_error("writing the node's init", error);
  }
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(program.get(), F_ADD_SEALS, kSeals) != 0) {
    return kernel_error("sealing the node's init", errno);
  }
  return program;
}

}  // namespace nslab::host
