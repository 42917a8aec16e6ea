#include "report/doctor.h"

#include <unistd.h>

#include "cli/command.h"
#include "report/json_text.h"

namespace nslab::cli {
namespace {

constexpr Flag kFlags[] = {kJson};

int run(const Arguments& arguments, Console& console) {
  const std::vector<probe::Verdict> verdicts = probe::examine_all();
  if (arguments.json) {
    console.print(report::json_text(report::host_json(verdicts)));
  } else {
    console.print(report::host_text(verdicts, console.out()));
  }
  if (::geteuid() != 0) {
    console.say("some of it takes root to try, and so does bringing up a lab");
  }
  return probe::is_ready(verdicts) ? kDone : kFailed;
}

}  // namespace

const Command kDoctor{
    "doctor", "Show what this host offers and lacks for labs", {}, kFlags, false, run};

}  // namespace nslab::cli
