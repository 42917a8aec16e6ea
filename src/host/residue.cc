#include "host/residue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/directory.h"
#include "base/fd.h"
#include "host/files.h"
#include "host/inits.h"
#include "host/layout.h"
#include "kernel/cgroup.h"
#include "kernel/mount.h"

namespace nslab::host {
namespace {

namespace fs = std::filesystem;

// How the files of a lab begin (state/). A command that was killed may have left one empty,
// which nobody but root can read.
bool begins_as(const std::string& path, std::string_view begin) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));

  struct stat info {};

  if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return false;
  }
  std::string text(begin.size(), '\0');
  const ssize_t length = ::pread(file.get(), text.data(), text.size(), 0);
  return length > 0 ? begin == std::string_view(text).substr(0, static_cast<std::size_t>(length))
                    : info.st_uid == 0 && (info.st_mode & 07777) == 0600;
}

// A directory alone is nobody's: nslab makes one after its record, and mounts over it.
Result<void> add_files(const std::string& state_dir, std::set<std::string>& labs) {
  constexpr std::string_view kRecord = R"({"version":)";
  constexpr std::string_view kLock = "'nslab ";
  NSLAB_ASSIGN(names, names_in(state_dir));
  for (const fs::path name : names) {
    const std::string path = state_dir + "/" + name.string();
    const std::string kind = name.extension();
    const bool record = kind == ".applied" || kind == ".intended";
    // "LAB.intended.new" is a record that was cut short.
    const std::string lab = kind == ".new" ? name.stem().stem() : name.stem();
    const bool known = record || kind == ".new" || kind == ".lock";
    if (known && is_lab_name(lab) && begins_as(path, kind == ".lock" ? kLock : kRecord)) {
      labs.insert(lab);
    }
  }
  return {};
}

// Where they can be seen: not below what somebody has mounted over them, and not what
// somebody has bound elsewhere.
Result<void> add_mounts(const std::string& state_dir, std::set<std::string>& labs) {
  constexpr std::string_view kPrefix = "nslab:";
  NSLAB_ASSIGN(table, kernel::mount_table());
  for (const kernel::MountEntry& entry : table) {
    if (entry.type != "tmpfs" || !entry.source.starts_with(kPrefix)) {
      continue;
    }
    const Layout layout(state_dir, entry.source.substr(kPrefix.size()));
    if (entry.target == layout.lab_dir() &&
        kernel::stacked_at(table, entry.target, entry.source) > 0) {
      labs.insert(layout.lab());
    }
  }
  return {};
}

Result<void> add_cgroups(const std::string& state_dir, std::set<std::string>& labs) {
  NSLAB_ASSIGN(mark, state_mark(state_dir));
  NSLAB_ASSIGN(tree, kernel::CgroupTree::open(cgroup_parent(), mark));
  for (std::string& lab : tree.labs()) {
    labs.insert(std::move(lab));
  }
  return {};
}

// Links into our state directory whose lab is gone.
Result<void> add_names(const std::string& state_dir, std::set<std::string>& labs) {
  NSLAB_ASSIGN(names, names_in(Layout::names_dir()));
  for (const std::string& name : names) {
    NSLAB_ASSIGN(target, link_target(Layout::names_dir() + "/" + name));
    if (target.starts_with(state_dir + "/")) {
      const std::string rest = target.substr(state_dir.size() + 1);
      const std::string lab = rest.substr(0, rest.find('/'));
      // What something is mounted over leads nowhere, and is not gone.
      if (!labs.contains(lab) && !made_elsewhere(state_dir, lab)) {
        labs.insert(lab);
      }
    }
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> labs_on_host(const std::string& state_dir) {
  NSLAB_TRY(check_cgroup_parent());
  std::set<std::string> labs;
  NSLAB_TRY(add_files(state_dir, labs));
  NSLAB_TRY(add_mounts(state_dir, labs));
  NSLAB_TRY(add_cgroups(state_dir, labs));
  NSLAB_TRY(add_names(state_dir, labs));
  NSLAB_ASSIGN(listening, labs_that_listen(state_dir, labs));
  labs.merge(std::move(listening));
  return std::vector<std::string>(labs.begin(), labs.end());
}

std::optional<std::string> made_elsewhere(const std::string& state_dir, const std::string& lab) {
  const auto mark = state_mark(state_dir);
  auto tree = mark ? kernel::CgroupTree::open(cgroup_parent(), *mark)
                   : Result<kernel::CgroupTree>(mark.error());
  if (!tree || !is_lab_name(lab)) {
    return std::nullopt;
  }
  tree->recognize(lab, /*begun=*/false);
  for (const kernel::CgroupTree::Foreign& each : tree->foreign()) {
    if (!each.mark.empty()) {
      return state_dir_in(each.mark);
    }
  }
  return std::nullopt;
}

void remove_unused(const std::string& state_dir) {
  const auto labs = labs_on_host(state_dir);
  if (!labs || !labs->empty()) {
    return;
  }
  const Layout layout(state_dir, "");
  if (const auto tree = kernel::CgroupTree::open(cgroup_parent())) {
    // No lab's cgroup is in it; what somebody runs in it stays, and keeps it.
    const std::string begun = layout.cgroup_parent_mark();
    tree->remove_parent(::access(begun.c_str(), F_OK) == 0);
    (void)::unlink(begun.c_str());
  }
  const std::string mark = layout.names_dir_mark();
  if (::access(mark.c_str(), F_OK) == 0) {
    (void)::rmdir(Layout::names_dir().c_str());  // others may have put names there
    (void)::unlink(mark.c_str());
  }
  (void)::rmdir(state_dir.c_str());
}

}  // namespace nslab::host
