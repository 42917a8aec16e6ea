#include "cli/find.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/directory.h"
#include "base/text.h"
#include "cli/source.h"
#include "host/layout.h"
#include "host/residue.h"
#include "state/record.h"
#include "topology/load.h"

namespace nslab::cli {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

bool has(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_file(const std::string& path) {
  std::error_code failed;
  const auto status = fs::status(path, failed);
  return fs::exists(status) && !fs::is_directory(status);
}

bool looks_like_file(const std::string& target) {
  return target == "-" || target == "." || target == ".." ||
         target.find('/') != std::string::npos || target.ends_with(".yaml") ||
         target.ends_with(".yml");
}

// Names are in small letters, and LAB/NODE has a slash.
std::string as_names_are(std::string word) {
  std::ranges::transform(word, word.begin(), [](unsigned char each) {
    return each == ':' ? '/' : static_cast<char>(std::tolower(each));
  });
  return word;
}

std::string near_hint(const std::string& word, const Names& known, std::string otherwise) {
  if (has(known, as_names_are(word))) {
    return "did you mean " + quote(as_names_are(word)) + "?";
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::string_view near = nearest(word, names);
  return near.empty() ? std::move(otherwise) : "did you mean " + quote(near) + "?";
}

// A lab that runs and is another nslab's: it is neither here nor gone.
std::optional<Error> of_another_state_directory(const std::string& name) {
  const std::string directory = state::default_state_dir();
  const auto elsewhere = host::made_elsewhere(directory, name);
  if (!elsewhere) {
    return std::nullopt;
  }
  return Error{
      .kind = ErrorKind::conflict,
      .message = "lab " + quote(name) + " was made by an nslab with another state directory: " +
                 quote(*elsewhere) + (*elsewhere == directory ? ", on another file system" : ""),
      .hint = "NSLAB_STATE_DIR=" + *elsewhere + " nslab ... works on it" +
              (*elsewhere == directory ? ", where that directory can be seen" : "")};
}

Error no_lab(const std::string& name, const Names& labs) {
  return Error{.kind = ErrorKind::not_found,
               .message = "there is no lab " + quote(name) + " on this host",
               .hint = near_hint(name,
                                 labs,
                                 labs.empty() ? "no lab is up; 'nslab up FILE' brings one up"
                                              : "the labs here are " + join(labs, ", "))};
}

Result<FoundLab> only_lab() {
  NSLAB_ASSIGN(labs, labs_on_host());
  if (labs.size() == 1) {
    return FoundLab{labs.front()};
  }
  if (labs.empty()) {
    return FoundLab{.absent = Error{.kind = ErrorKind::not_found,
                                    .message = "no lab is up",
                                    .hint = "'nslab up FILE' brings one up"}};
  }
  return Error{.kind = ErrorKind::usage,
               .message = "there are several labs: " + join(labs, ", "),
               .hint = "name the one that is meant"};
}

// The labs whose record `fits`, sorted.
template <typename Fits>
Names recorded_labs(const Fits& fits) {
  const state::RecordStore store(state::default_state_dir());
  Names found;
  for (const std::string& lab : store.labs()) {
    const state::LabRecord record = store.load(lab);
    if (record.source() != nullptr && fits(*record.source())) {
      found.push_back(lab);
    }
  }
  return found;
}

Names labs_from(const std::string& path) {
  return recorded_labs([&](const state::LabSource& source) { return source.file == path; });
}

std::string quoted_labs(const Names& labs) {
  Names quoted;
  for (const std::string& lab : labs) {
    quoted.push_back(quote(lab));
  }
  return (labs.size() == 1 ? "lab " : "labs ") + join(quoted, " and ");
}

Error came_from_this(std::string message, const Names& labs) {
  return Error{.kind = ErrorKind::conflict,
               .message = std::move(message),
               .hint = "name the lab that is meant, " + quote(labs.front())};
}

// A file that says which lab it is, and that lab is here. A namesake that somebody brought
// up from another file is not what it says.
Result<FoundLab> named_by(const Source& source,
                          const std::string& name,
                          const Names& from,
                          Purpose purpose) {
  const state::LabRecord record = state::RecordStore(state::default_state_dir()).load(name);
  if (purpose == Purpose::look || record.source() == nullptr) {
    return FoundLab{name};
  }
  const state::LabSource& before = *record.source();
  const bool brought_up_others = !from.empty() && !has(from, name) && is_file(before.file);
  if (!brought_up_others && is_same_file(before, source.lab)) {
    return FoundLab{name};
  }
  const std::string origin = before.file == "-" ? "standard input" : before.file;
  return Error{.kind = ErrorKind::conflict,
               .message = "lab " + quote(name) + " was brought up from " + origin + ", not from " +
                          source.shown,
               .hint = from.empty() ? "'nslab down " + name + "' takes it away all the same"
                                    : "from this file came " + quoted_labs(from) +
                                          ": 'nslab down " + from.front() + "'"};
}

Result<FoundLab> not_here(const Source& source, const std::string& name, const Names& from) {
  Names others = from;
  if (others.empty()) {
    others = recorded_labs(
        [&](const state::LabSource& before) { return before.text == source.lab.text; });
  }
  if (!others.empty()) {
    return came_from_this("lab " + quote(name) + " is not up; " + quoted_labs(others) +
                              (others.size() == 1 ? " was" : " were") +
                              " brought up from this file",
                          others);
  }
  if (auto elsewhere = of_another_state_directory(name)) {
    return *std::move(elsewhere);
  }
  return FoundLab{.name = name,
                  .absent = Error{.kind = ErrorKind::not_found,
                                  .message = "lab " + quote(name) + " is not up",
                                  .hint = source.lab.file == "-"
                                              ? "'nslab up' brings it up"
                                              : "'nslab up " + source.shown + "' brings it up"}};
}

// A path that says nothing, and that no lab came from.
Error nobodys(const std::string& target, const Result<Source>& source, const Names& labs) {
  const std::string name = fs::path(target).stem().string();
  if (source) {
    return Error{.kind = ErrorKind::not_found,
                 .message = quote(target) + " does not say which lab it is",
                 .hint = "'nslab validate " + target + "' says what is wrong with it"};
  }
  if (source.error().kind != ErrorKind::not_found) {
    Error error = source.error();
    error.kind = ErrorKind::not_found;
    return error;
  }
  Error error = source.error();
  if (has(labs, name)) {
    const std::string file = state::RecordStore(state::default_state_dir()).load(name).file();
    error.hint = "there is a lab " + quote(name) +
                 (file.empty() ? std::string() : ", brought up from " + file) +
                 ": name it without a path";
    return error;
  }
  if (host::is_lab_name(name)) {
    error.message += " and no lab " + quote(name);
  }
  error.hint = labs.empty() ? "no lab is up" : "the labs here are " + join(labs, ", ");
  return error;
}

Result<FoundLab> lab_of(const std::string& target, const Names& labs, Purpose purpose) {
  const auto source = read_source(target);
  const std::string path = source ? source->lab.file : canonical_path(target);
  const Names from = path == "-" ? Names() : labs_from(path);
  const auto name = source ? lab_name(source->lab.text, source->default_name) : std::nullopt;
  if (name) {
    return has(labs, *name) ? named_by(*source, *name, from, purpose)
                            : not_here(*source, *name, from);
  }
  if (from.size() == 1) {
    return FoundLab{from.front()};
  }
  if (!from.empty()) {
    return came_from_this(quoted_labs(from) + " were brought up from " + target, from);
  }
  return nobodys(target, source, labs);
}

// The labs on this host that have a node of that name. Asks for the one name: a
// lab can have thousands.
Names labs_with(const std::string& node) {
  Names labs;
  const std::string directory = state::default_state_dir();
  for (const std::string& lab : names_in(directory).value_or({})) {
    std::error_code absent;
    if (!node.empty() && !node.starts_with('.') && node.find('/') == std::string::npos &&
        fs::is_directory(directory + "/" + lab + "/nodes/" + node, absent)) {
      labs.push_back(lab);
    }
  }
  return labs;
}

bool has_node(const std::string& lab, const std::string& node) {
  return has(labs_with(node), lab);
}

Error no_node_in(const std::string& lab, const std::string& node) {
  const Names known = nodes_of(lab);
  return Error{.kind = ErrorKind::not_found,
               .message = "lab " + quote(lab) + " has no node " + quote(node),
               .hint = near_hint(node, known, "'nslab status " + lab + "' lists its nodes")};
}

// A word that is no node's name of any lab.
Error no_node(const std::string& word, const Names& labs) {
  if (has(labs, word)) {
    const Names nodes = nodes_of(word);
    return Error{
        .kind = ErrorKind::not_found,
        .message = quote(word) + " is a lab, and a node was expected",
        .hint = "write LAB/NODE, such as " + word + "/" + (nodes.empty() ? "NODE" : nodes.front())};
  }
  Names known;
  for (const std::string& lab : labs) {
    for (const std::string& node : nodes_of(lab)) {
      known.push_back(node);
      known.push_back(lab + "/" + node);
    }
  }
  return Error{.kind = ErrorKind::not_found,
               .message = "there is no node " + quote(word),
               .hint = near_hint(word,
                                 known,
                                 known.empty() ? "no lab is up; 'nslab up FILE' brings one up"
                                               : "'nslab status' lists the nodes")};
}

// What stands before and after the last separator.
std::optional<NodeName> parts_of(const std::string& target, char separator) {
  const std::size_t place = target.rfind(separator);
  if (place == std::string::npos || place == 0 || place + 1 == target.size()) {
    return std::nullopt;
  }
  return NodeName{target.substr(0, place), target.substr(place + 1)};
}

// Who says that of a lab that is to go means something that is there.
std::optional<Error> names_a_node(const std::string& target) {
  std::optional<NodeName> found = parts_of(target, '.');
  if (!found || !has_node(found->lab, found->node)) {
    const Names having = labs_with(target);
    found = having.empty() ? std::nullopt : std::optional(NodeName{having.front(), target});
  }
  if (!found || is_file(target)) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::usage,
               .message = quote(target) + " is a node of lab " + quote(found->lab) +
                          ", and a lab was expected",
               .hint = "'nslab down " + found->lab +
                       "' takes the lab away; a node that the lab "
                       "file no longer has goes with the next 'nslab up'"};
}

// "FILE/NODE", or "LAB/NODE" of a lab or a node that is not there.
Result<NodeName> node_of_lab(const NodeName& parts) {
  NSLAB_ASSIGN(lab, find_lab(parts.lab, Purpose::look));
  if (lab.absent) {
    return *std::move(lab.absent);
  }
  if (!has_node(lab.name, parts.node)) {
    return no_node_in(lab.name, parts.node);
  }
  return NodeName{lab.name, parts.node};
}

}  // namespace

Result<std::vector<std::string>> labs_on_host() {
  return host::labs_on_host(state::default_state_dir());
}

std::vector<std::string> nodes_of(const std::string& lab) {
  return names_in(state::default_state_dir() + "/" + lab + "/nodes").value_or({});
}

std::optional<std::string> lab_of_file(const std::string& file) {
  const Names labs = labs_from(canonical_path(file));
  return labs.empty() ? std::nullopt : std::optional(labs.front());
}

Result<FoundLab> find_lab(const std::string& target, Purpose purpose) {
  if (target.empty()) {
    return only_lab();
  }
  NSLAB_ASSIGN(labs, labs_on_host());
  if (has(labs, target)) {
    return FoundLab{target};
  }
  if (auto node = purpose == Purpose::take_away ? names_a_node(target) : std::nullopt) {
    return *std::move(node);
  }
  if (looks_like_file(target) || is_file(target)) {
    return lab_of(target, labs, purpose);
  }
  if (auto elsewhere = of_another_state_directory(target)) {
    return *std::move(elsewhere);
  }
  return FoundLab{.name = target, .absent = no_lab(target, labs)};
}

Result<NodeName> find_node(const std::string& target) {
  const auto of_lab = parts_of(target, '/');
  const auto dotted = parts_of(target, '.');
  for (const auto& parts : {of_lab, dotted}) {
    if (parts && has_node(parts->lab, parts->node)) {
      return *parts;
    }
  }
  const Names having = labs_with(target);
  if (having.size() > 1) {
    return Error{.kind = ErrorKind::usage,
                 .message = "several labs have a node " + quote(target) + ": " + join(having, ", "),
                 .hint = "write LAB/" + target};
  }
  if (having.size() == 1) {
    return NodeName{having.front(), target};
  }
  if (is_file(target) || target == "-") {
    NSLAB_ASSIGN(lab, find_lab(target, Purpose::look));
    return lab.absent ? *std::move(lab.absent) : no_node(lab.name, {lab.name});
  }
  if (of_lab) {
    return node_of_lab(*of_lab);
  }
  NSLAB_ASSIGN(labs, labs_on_host());
  return dotted && has(labs, dotted->lab) ? no_node_in(dotted->lab, dotted->node)
                                          : no_node(target, labs);
}

Result<Place> find_place(const std::string& target) {
  for (const char separator : {'/', '.'}) {
    const auto parts = parts_of(target, separator);
    if (parts && !is_file(target) &&
        (has_node(parts->lab, parts->node) || is_file(parts->lab) || parts->lab == "-")) {
      NSLAB_ASSIGN(node, node_of_lab(*parts));
      return Place{.lab = {node.lab}, .node = node.node};
    }
  }
  NSLAB_ASSIGN(labs, labs_on_host());
  if (const auto parts = parts_of(target, '/');
      parts && has(labs, parts->lab) && !is_file(target)) {
    return no_node_in(parts->lab, parts->node);
  }
  NSLAB_ASSIGN(lab, find_lab(target, Purpose::look));
  if (lab.absent && labs_with(target).size() == 1) {
    lab.absent->hint =
        "it is a node: 'nslab status " + labs_with(target).front() + "/" + target + "'";
  }
  return Place{.lab = std::move(lab)};
}

std::string file_hint(const std::string& target) {
  const std::string of_lab = state::RecordStore(state::default_state_dir()).load(target).file();
  if (is_file(of_lab)) {
    return quote(target) + " is a lab; its file is " + of_lab;
  }
  for (const char* directory : {"", "labs/"}) {
    for (const char* suffix : {".yaml", ".yml"}) {
      if (const std::string path = directory + target + suffix; is_file(path)) {
        return "did you mean " + quote(path) + "?";
      }
    }
  }
  return "give the path of a lab file";
}

}  // namespace nslab::cli
