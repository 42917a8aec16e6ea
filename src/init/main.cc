// nslab-init: makes nodes, and is their init. See protocol.h.
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "init/spawn.h"
#include "init/title.h"

int main(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "spawn") {
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
