#include "host/made_by.h"

#include "base/text.h"
#include "host/files.h"

namespace nslab::host {
namespace {

constexpr const char* kName = "/.made-by";

}  // namespace

std::optional<MadeBy> read_made_by(const std::string& lab_dir) {
  const auto text = read_file(lab_dir + kName);
  const auto lines = split(text ? std::string_view(*text) : std::string_view(), '\n');
  if (lines.size() != 3) {  // each ends with a newline
    return std::nullopt;
  }
  return MadeBy{.mark = std::string(lines[0]), .cgroup_parent = std::string(lines[1])};
}

Result<void> write_made_by(const Layout& layout, const std::string& cgroup_parent) {
  NSLAB_ASSIGN(mark, state_mark(layout.state_dir()));
  return write_file(layout.lab_dir() + kName, mark + "\n" + cgroup_parent + "\n", 0600);
}

std::string cgroup_parent_of(const Layout& layout) {
  auto made_by = read_made_by(layout.lab_dir());
  return made_by && is_cgroup_name(made_by->cgroup_parent) ? std::move(made_by->cgroup_parent)
                                                           : cgroup_parent();
}

}  // namespace nslab::host
