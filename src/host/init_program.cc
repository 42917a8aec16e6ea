#include "host/init_program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

// The program of init/, embedded by src/init/CMakeLists.txt.
extern "C" const char nslab_init_image[];
extern "C" const char nslab_init_image_end[];

namespace nslab::host {

Result<UniqueFd> init_program() {
  UniqueFd program(::memfd_create("nslab-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!program.valid()) {
    return kernel_error("making a file for the node's init", errno);
  }
  const char* next = nslab_init_image;
  while (next != nslab_init_image_end) {
    const ssize_t written =
        ::write(program.get(), next, static_cast<std::size_t>(nslab_init_image_end - next));
    if (written < 0) {
      return kernel_error("writing the node's init", errno);
    }
    next += written;
  }
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(program.get(), F_ADD_SEALS, kSeals) != 0) {
    return kernel_error("sealing the node's init", errno);
  }
  return program;
}

}  // namespace nslab::host
