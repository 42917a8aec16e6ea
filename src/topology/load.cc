#include "topology/load.h"

#include "base/text.h"
#include "topology/lower.h"

namespace nslab {
namespace {

using topology::LabKeys;
using topology::LabName;
using topology::Problems;
using topology::Topology;

void name_lab(LabKeys& lab,
              std::string_view default_name,
              std::string_view name,
              Problems& problems) {
  if (!name.empty()) {
    lab.name.value = LabName::parse(name);
    return;
  }
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
                                  std::string_view directory,
                                  std::string_view name) {
  const auto document = topology::read_document(text, file_name, diagnostics);
  if (document) {
    Problems problems(document->file, diagnostics);
    LabKeys lab = topology::read_lab_file(problems, *document);
    name_lab(lab, default_name, name, problems);
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

std::optional<std::string> lab_name(std::string_view text, std::string_view default_name) {
  Diagnostics unheard;
  const auto document = topology::read_document(text, "", unheard);
  if (!document) {
    return std::nullopt;
  }
  Problems problems(document->file, unheard);
  LabKeys lab = topology::read_lab_file(problems, *document);
  if (!lab.name.given() && !unheard.ok()) {
    return std::nullopt;  // a file of another kind, which happens to be called so
  }
  name_lab(lab, default_name, {}, problems);
  return lab.name.value;
}

Result<void> check_lab_name(std::string_view text) {
  if (LabName::parse(text)) {
    return {};
  }
  return Error{.kind = ErrorKind::usage,
               .message = quote(text) + " is not " + LabName::shape().noun,
               .hint = LabName::hint(text)};
}

}  // namespace nslab
