#include "host/settle.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/directory.h"
#include "base/text.h"
#include "host/files.h"
#include "host/left_behind.h"
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

using Namespaces = std::map<std::uint64_t, std::string>;

// The processes that are in one of these namespaces, as "bash (pid 4711) in web", by
// the namespaces' inodes.
std::multimap<std::uint64_t, std::string> holders(const Namespaces& namespaces) {
  std::multimap<std::uint64_t, std::string> found;
  for (const std::string& pid : names_in("/proc").value_or({})) {
    const fs::path process = fs::path("/proc") / pid;

    struct stat ns {};

    if (!std::ranges::all_of(pid, [](char each) { return each >= '0' && each <= '9'; }) ||
        ::stat((process / "ns/net").c_str(), &ns) != 0) {
      continue;
    }
    if (const auto held = namespaces.find(ns.st_ino); held != namespaces.end()) {
      found.emplace(ns.st_ino, command_of(process) + " (pid " + pid + ") in " + held->second);
    }
  }
  return found;
}

// What a node's restart has left behind ends now, unless somebody is in it.
Result<void> end_unless_held(const std::map<std::uint64_t, LeftBehind>& left,
                             const std::multimap<std::uint64_t, std::string>& held) {
  for (const auto& [inode, each] : left) {
    if (!held.contains(inode)) {
      NSLAB_TRY(remove_mounted(each.path));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Error>> settle(Context& context) {
  NSLAB_ASSIGN(left, left_behind(context.layout));
  if (context.released.empty() && left.empty()) {
    return std::vector<Error>{};
  }
  Namespaces asked = context.released;
  for (const auto& [inode, each] : left) {
    asked.emplace(inode, each.netns);
  }
  std::vector<std::string> in_the_way;
  std::vector<std::string> cut_off;
  const auto held = holders(asked);
  for (const auto& [inode, process] : held) {
    (left.contains(inode) ? cut_off : in_the_way).push_back(process);
  }
  context.released.clear();
  NSLAB_TRY(end_unless_held(left, held));
  NSLAB_TRY(kernel::wait_until_released(context.deadline()));
  if (!in_the_way.empty()) {
    return Error{.kind = ErrorKind::conflict,
                 .message = "processes that nslab did not start are still in the lab: " +
                            join(in_the_way, ", "),
                 .hint = "end them; the kernel then lets go of their network namespaces"};
  }
  if (cut_off.empty()) {
    return std::vector<Error>{};
  }
  return std::vector{Error{
      .kind = ErrorKind::conflict,
      .message = "processes that nslab did not start are in a network namespace that their node "
                 "has left: " +
                 join(cut_off, ", "),
      .hint = "end them, and start them again where they are to see the node's network"}};
}

}  // namespace nslab::host
