#include "cli/command.h"
#include "topology/load.h"

namespace nslab::cli {
namespace {

constexpr Flag kFlags[] = {
    {"--reference", "Print the reference page of the lab file instead", &Arguments::reference}};

int run(const Arguments& arguments, Console& console) {
  console.print(arguments.reference ? topology::reference_page() : topology::json_schema());
  return kDone;
}

}  // namespace

const Command kSchema{"schema", "Print the JSON Schema of the lab file", {}, kFlags, false, run};

}  // namespace nslab::cli
