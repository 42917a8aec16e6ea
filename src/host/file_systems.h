// The file systems that nodes see of the host's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/mount.h"
#include "resource/node.h"

namespace nslab::host {

// As they are at one moment, found once for many nodes.
class FileSystems {
 public:
  static Result<FileSystems> read();

  // Below a node's root. Every name of a namespace is in the table of mounts.
  const std::vector<std::string>& below(const std::string& root);

 private:
  explicit FileSystems(std::vector<kernel::MountEntry> table) : table_(std::move(table)) {}

  std::vector<kernel::MountEntry> table_;
  std::map<std::string, std::vector<std::string>> found_;
};

// The directory on the host that a node's root is made of.
std::string root_of(const resource::Node& node);

// What a node was made with, for it to remember: never empty.
std::string listed(const std::vector<std::string>& file_systems);

// How what there is now differs from that: "/srv is new, /mnt is gone"; empty where it does not.
std::string changes_of(std::string_view list, const std::vector<std::string>& now);

}  // namespace nslab::host
