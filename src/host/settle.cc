#include "host/settle.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/directory.h"
#include "base/text.h"
#include "kernel/netns.h"

namespace nslab::host {
namespace {

namespace fs = std::filesystem;

std::string command_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

// The processes that are in one of these namespaces, as "bash (pid 4711) in web".
std::vector<std::string> holders(const std::map<std::uint64_t, std::string>& released) {
  std::vector<std::string> found;
  for (const std::string& pid : names_in("/proc").value_or({})) {
    const fs::path process = fs::path("/proc") / pid;

    struct stat ns {};

    if (!std::ranges::all_of(pid, [](char each) { return each >= '0' && each <= '9'; }) ||
        ::stat((process / "ns/net").c_str(), &ns) != 0) {
      continue;
    }
    if (const auto held = released.find(ns.st_ino); held != released.end()) {
      found.push_back(command_of(process) + " (pid " + pid + ") in " + held->second);
    }
  }
  return found;
}

}  // namespace

Result<void> settle(Context& context) {
  if (context.released.empty()) {
    return {};
  }
  const std::vector<std::string> held = holders(context.released);
  context.released.clear();
  NSLAB_TRY(kernel::wait_until_released(context.deadline()));
  if (!held.empty()) {
    return Error{
        .kind = ErrorKind::conflict,
        .message = "processes that nslab did not start are still in the lab: " + join(held, ", "),
        .hint = "end them; the kernel then lets go of their network namespaces"};
  }
  return {};
}

}  // namespace nslab::host
