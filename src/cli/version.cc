#include "cli/command.h"

namespace nslab::cli {
namespace {

constexpr Flag kFlags[] = {kJson};

int run(const Arguments& arguments, Console& console) {
  console.print(arguments.json ? "{\"version\": \"" NSLAB_VERSION "\"}\n"
                               : "nslab " NSLAB_VERSION "\n");
  return kDone;
}

}  // namespace

const Command kVersion{"version", "Print the version", {}, kFlags, false, run};

}  // namespace nslab::cli
