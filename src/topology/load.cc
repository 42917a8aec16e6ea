#include "topology/load.h"

#include "base/text.h"
#include "topology/lower.h"

namespace nslab {
namespace {

using topology::LabKeys;
using topology::LabName;
using topology::Problems;
using topology::Topology;

void name_lab(LabKeys& lab, std::string_view default_name, Problems& problems) {
  if (lab.name.given()) {
    return;
  }
  lab.name.value = LabName::parse(default_name);
  if (!lab.name.value) {
    problems.semantic({1, 1},
                      "the lab has no name, and that of its file, " + quote(default_name) +
                          ", is not " + LabName::shape().noun,
                      "add a name, such as name: lab");
  }
}

std::string directory_of(const std::string& file_name) {
  const std::size_t slash = file_name.rfind('/');
  return slash == std::string::npos ? "" : file_name.substr(0, slash == 0 ? 1 : slash);
}

}  // namespace

std::optional<LoadedLab> load_lab(std::string_view text,
                                  const std::string& file_name,
                                  std::string_view default_name,
                                  Diagnostics& diagnostics,
                                  std::string_view directory) {
  const auto document = topology::read_document(text, file_name, diagnostics);
  if (document) {
    Problems problems(document->file, diagnostics);
    LabKeys lab = topology::read_lab_file(problems, *document);
    name_lab(lab, default_name, problems);
    Topology meant =
        topology::resolve(std::move(lab),
                          directory.empty() ? directory_of(file_name) : std::string(directory),
                          problems);
    if (diagnostics.ok()) {
      auto desired = topology::lower(meant);
      return LoadedLab{std::move(meant), std::move(desired)};
    }
  }
  diagnostics.sort();
  return std::nullopt;
}

}  // namespace nslab
