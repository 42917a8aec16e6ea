#include "host/residue.h"

#include <unistd.h>

#include <filesystem>
#include <set>

#include "host/layout.h"
#include "kernel/cgroup.h"
#include "kernel/mount.h"

namespace nslab::host {
namespace {

namespace fs = std::filesystem;

void add_directories_and_files(const std::string& state_dir, std::set<std::string>& labs) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(state_dir, failed)) {
    const fs::path name = entry.path().filename();
    if (entry.is_directory(failed)) {
      labs.insert(name);
    } else if (name.extension() == ".json" || name.extension() == ".lock") {
      labs.insert(name.stem());
    } else if (name.extension() == ".new") {
      labs.insert(name.stem().stem());  // "LAB.json.new": a record that was cut short
    }
  }
}

void add_mounts(std::set<std::string>& labs) {
  constexpr std::string_view kPrefix = "nslab:";
  const auto table = kernel::mount_table();
  if (!table) {
    return;
  }
  for (const kernel::MountEntry& entry : *table) {
    if (entry.type == "tmpfs" && entry.source.starts_with(kPrefix)) {
      labs.insert(entry.source.substr(kPrefix.size()));
    }
  }
}

void add_cgroups(std::set<std::string>& labs) {
  const auto tree = kernel::CgroupTree::open(cgroup_parent());
  if (!tree || !tree->exists("")) {
    return;
  }
  if (const auto names = tree->children("")) {
    labs.insert(names->begin(), names->end());
  }
}

// Links into our state directory whose lab is gone.
void add_names(const std::string& state_dir, std::set<std::string>& labs) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(Layout::names_dir(), failed)) {
    std::error_code no_link;
    const std::string target = fs::read_symlink(entry.path(), no_link);
    if (!no_link && target.starts_with(state_dir + "/")) {
      const std::string rest = target.substr(state_dir.size() + 1);
      labs.insert(rest.substr(0, rest.find('/')));
    }
  }
}

}  // namespace

std::vector<std::string> labs_on_host(const std::string& state_dir) {
  std::set<std::string> labs;
  add_directories_and_files(state_dir, labs);
  add_mounts(labs);
  add_cgroups(labs);
  add_names(state_dir, labs);
  return {labs.begin(), labs.end()};
}

void remove_unused(const std::string& state_dir) {
  if (!labs_on_host(state_dir).empty()) {
    return;
  }
  if (const auto tree = kernel::CgroupTree::open(cgroup_parent())) {
    // No lab's cgroup is in it; what somebody runs in it stays, and keeps it.
    (void)tree->remove("", std::chrono::steady_clock::now());
  }
  const std::string mark = Layout(state_dir, "").names_dir_mark();
  if (::access(mark.c_str(), F_OK) == 0) {
    (void)::rmdir(Layout::names_dir().c_str());  // others may have put names there
    (void)::unlink(mark.c_str());
  }
  (void)::rmdir(state_dir.c_str());
}

}  // namespace nslab::host
