#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/session.h"

namespace nslab::cli {
namespace {

constexpr Positional kPositionals[] = {
    {"FILE", "The lab file; - for standard input", &Arguments::target, true}};

constexpr Option kOptions[] = {kName};

int run(const Arguments& arguments, Console& console) {
  const auto file = read_lab_file(arguments, console);
  if (!file) {
    return kUsage;
  }
  console.say(arguments.target + ": lab " + quote(file->desired.lab) + " is valid");
  return kDone;
}

}  // namespace

const Command kValidate{"validate",
                        "Check a lab file and list every error in it",
                        kPositionals,
                        {},
                        false,
                        run,
                        kOptions};

}  // namespace nslab::cli
