// nslab-init: makes nodes, is their init, and runs commands in them. See protocol.h
// and exec.h.
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "init/exec.h"
#include "init/spawn.h"
#include "init/title.h"

int main(int argc, char** argv) {
  const std::string_view role = argc < 2 ? "" : argv[1];
  if (role == "exec") {
    return nslab::init::exec_command(argc, argv);
  }
  if (role != "spawn") {
    constexpr std::string_view kUsage =
        "This is the init of nslab's nodes. nslab itself starts it.\n";
    (void)!::write(STDERR_FILENO, kUsage.data(), kUsage.size());
    return EXIT_FAILURE;
  }
  // Started from a memfd, it would be called by its number.
  (void)::prctl(PR_SET_NAME, "nslab-init");
  const char* last = argv[argc - 1];
  nslab::init::keep_title_area(argv[0], last + std::strlen(last));
  return nslab::init::spawn();
}
