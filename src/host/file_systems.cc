#include "host/file_systems.h"

#include <algorithm>

#include "base/text.h"

namespace nslab::host {

Result<FileSystems> FileSystems::read() {
  NSLAB_ASSIGN(table, kernel::mount_table());
  return FileSystems(std::move(table));
}

const std::vector<std::string>& FileSystems::below(const std::string& root) {
  const auto known = found_.find(root);
  return known != found_.end()
             ? known->second
             : found_.emplace(root, kernel::file_systems_below(table_, root)).first->second;
}

std::string root_of(const resource::Node& node) {
  return node.root == "overlay" || node.root == "host" ? "/" : node.root;
}

std::string listed(const std::vector<std::string>& file_systems) {
  std::string list = "/";
  for (const std::string& each : file_systems) {
    list += "\n" + each;
  }
  return list;
}

std::string changes_of(std::string_view list, const std::vector<std::string>& now) {
  std::vector<std::string> before;
  for (const std::string_view each : split(list, '\n')) {
    before.emplace_back(each);
  }
  std::string text;
  const auto tell = [&](const std::vector<std::string>& some,
                        const std::vector<std::string>& others,
                        std::string_view how) {
    for (const std::string& each : some) {
      if (each != "/" && std::ranges::find(others, each) == others.end()) {
        text += (text.empty() ? "" : ", ") + each + std::string(how);
      }
    }
  };
  tell(now, before, " is new");
  tell(before, now, " is gone");
  return text;
}

}  // namespace nslab::host
