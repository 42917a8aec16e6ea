#include "host/settle.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "base/directory.h"
#include "base/text.h"
#include "host/files.h"
#include "host/left_behind.h"
#include "kernel/mount.h"
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

// What holds namespaces, by their inodes: "process bash (pid 4711) in web".
using Holders = std::multimap<std::uint64_t, std::string>;

// The processes that are in one of these namespaces.
void add_processes(const Namespaces& namespaces, Holders& found) {
  for (const std::string& pid : names_in("/proc").value_or({})) {
    const fs::path process = fs::path("/proc") / pid;

    struct stat ns {};

    if (!std::ranges::all_of(pid, [](char each) { return each >= '0' && each <= '9'; }) ||
        ::stat((process / "ns/net").c_str(), &ns) != 0) {
      continue;
    }
    if (const auto held = namespaces.find(ns.st_ino); held != namespaces.end()) {
      found.emplace(ns.st_ino,
                    "process " + command_of(process) + " (pid " + pid + ") in " + held->second);
    }
  }
}

// And the mounts of one, somewhere else than where nslab had it: "net:[4026532281]" is what such
// a mount shows of its file system.
void add_mounts(const Namespaces& released, Holders& found) {
  constexpr std::string_view kPrefix = "net:[";
  const auto table = kernel::mount_table();
  for (const kernel::MountEntry& entry : table ? *table : std::vector<kernel::MountEntry>{}) {
    std::uint64_t inode = 0;
    if (entry.type != "nsfs" || !entry.root.starts_with(kPrefix)) {
      continue;
    }
    (void)std::from_chars(
        entry.root.data() + kPrefix.size(), entry.root.data() + entry.root.size(), inode);
    if (const auto held = released.find(inode); held != released.end()) {
      found.emplace(inode, "the mount " + quote(entry.target) + " of " + held->second);
    }
  }
}

// What a node's restart has left behind ends now, unless somebody is in it.
Result<void> end_unless_held(const std::map<std::uint64_t, LeftBehind>& left, const Holders& held) {
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
  Holders held;
  add_processes(asked, held);
  add_mounts(context.released, held);
  for (const auto& [inode, process] : held) {
    (left.contains(inode) ? cut_off : in_the_way).push_back(process);
  }
  context.released.clear();
  NSLAB_TRY(end_unless_held(left, held));
  NSLAB_TRY(kernel::wait_until_released(context.deadline()));
  if (!in_the_way.empty()) {
    return Error{.kind = ErrorKind::conflict,
                 .message = "something that nslab did not put there still holds the lab: " +
                            join(in_the_way, ", "),
                 .hint =
                     "end such processes and unmount such mounts; the kernel then lets go of "
                     "what they hold"};
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
