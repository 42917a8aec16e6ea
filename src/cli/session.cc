#include "cli/session.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/directory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "host/layout.h"
#include "host/residue.h"
#include "topology/load.h"

namespace nslab::cli {
namespace {

namespace fs = std::filesystem;

bool looks_like_file(const std::string& target) {
  return target.find('/') != std::string::npos || target.ends_with(".yaml") ||
         target.ends_with(".yml");
}

Error no_lab(const std::string& name, const std::vector<std::string>& labs) {
  const std::vector<std::string_view> names(labs.begin(), labs.end());
  const std::string_view near = nearest(name, names);
  std::string hint = labs.empty() ? "no lab is up; 'nslab up FILE' brings one up"
                                  : "the labs here are " + join(labs, ", ");
  if (!near.empty()) {
    hint = "did you mean " + quote(near) + "?";
  }
  return Error{.kind = ErrorKind::not_found,
               .message = "there is no lab " + quote(name) + " on this host",
               .hint = std::move(hint)};
}

Result<std::string> only_lab() {
  NSLAB_ASSIGN(labs, labs_on_host());
  if (labs.size() == 1) {
    return labs.front();
  }
  if (labs.empty()) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "no lab is up",
                 .hint = "'nslab up FILE' brings one up"};
  }
  return Error{.kind = ErrorKind::usage,
               .message = "there are several labs: " + join(labs, ", "),
               .hint = "name the one that is meant"};
}

// The nodes that a lab was last brought to have.
std::vector<std::string> nodes_of(const std::string& lab) {
  return names_in(state::default_state_dir() + "/" + lab + "/nodes").value_or({});
}

// The labs on this host that have a node of that name. Asks for the one name: a
// lab can have thousands.
std::vector<std::string> labs_with(const std::string& node) {
  std::vector<std::string> labs;
  const std::string directory = state::default_state_dir();
  for (const std::string& lab : names_in(directory).value_or({})) {
    std::error_code absent;
    if (!node.starts_with('.') &&
        fs::is_directory(directory + "/" + lab + "/nodes/" + node, absent)) {
      labs.push_back(lab);
    }
  }
  return labs;
}

Error no_node(const std::string& node, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::string_view near = nearest(node, names);
  std::string hint = "'nslab status' lists the nodes";
  if (!near.empty()) {
    hint = "did you mean " + quote(near) + "?";
  } else if (known.empty()) {
    hint = "no lab is up; 'nslab up FILE' brings one up";
  }
  return Error{.kind = ErrorKind::not_found,
               .message = "there is no node " + quote(node),
               .hint = std::move(hint)};
}

// A stream's buffer throws what the stream itself only notes.
Result<std::string> read_stream(std::istream& stream, const std::string& name) {
  std::ostringstream text;
  text << stream.rdbuf();
  if (text.bad()) {
    Error error = kernel_error("reading " + name, errno);
    error.kind = ErrorKind::usage;
    return error;
  }
  return text.str();
}

Result<std::string> read_text(const std::string& file) {
  if (file == "-") {
    return read_stream(std::cin, "standard input");
  }

  struct stat info {};

  if (::stat(file.c_str(), &info) != 0) {
    Error error = kernel_error("reading " + quote(file), errno);
    error.kind = ErrorKind::usage;
    return error;
  }
  std::ifstream stream(file);
  if (S_ISDIR(info.st_mode) || !stream) {
    return Error{.kind = ErrorKind::usage,
                 .message = "reading " + quote(file) +
                            (S_ISDIR(info.st_mode) ? ": it is a directory" : " failed"),
                 .hint = "give the path of a lab file"};
  }
  return read_stream(stream, quote(file));
}

void drop_limits(resource::DesiredState& desired) {
  for (auto& [id, entry] : desired.resources) {
    if (auto* cgroup = std::get_if<resource::Cgroup>(&entry.spec)) {
      *cgroup = resource::Cgroup{.node = cgroup->node};
    }
  }
}

}  // namespace

std::optional<LabFile> read_lab_file(const Arguments& arguments, Console& console) {
  const std::string& file = arguments.target;
  const bool from_stdin = file == "-";
  auto text = read_text(file);
  if (!text) {
    console.fail(text.error());
    return std::nullopt;
  }
  const fs::path path = from_stdin ? fs::path(file) : fs::absolute(file).lexically_normal();
  LabFile read{.source = {.file = path,
                          .directory = from_stdin ? fs::current_path() : path.parent_path(),
                          .without_limits = arguments.without_limits,
                          .text = *std::move(text)}};
  Diagnostics diagnostics;
  auto lab = load_lab(read.source.text,
                      from_stdin ? "<stdin>" : file,
                      from_stdin ? "lab" : path.stem().string(),
                      diagnostics,
                      read.source.directory);
  if (!diagnostics.ok() || !lab) {
    diagnostics.sort();
    console.fail(diagnostics.errors(), read.source.text);
    return std::nullopt;
  }
  read.desired = std::move(lab->desired);
  if (arguments.without_limits) {
    drop_limits(read.desired);
  }
  return read;
}

std::optional<resource::DesiredState> read_recorded(const std::string& lab,
                                                    const state::LabSource& source) {
  Diagnostics unheard;
  auto loaded = load_lab(source.text, source.file, lab, unheard, source.directory);
  if (!loaded || loaded->desired.lab != lab) {
    return std::nullopt;
  }
  if (source.without_limits) {
    drop_limits(loaded->desired);
  }
  return std::move(loaded->desired);
}

Result<Session> Session::open(const std::string& lab, Console& console) {
  Session session;
  session.lab_ = lab;
  const std::string directory = state::default_state_dir();
  session.store_ = std::make_unique<state::RecordStore>(directory);
  NSLAB_ASSIGN(host,
               host::LinuxHost::open(directory, lab, {.asked = interrupted, .fd = interrupt_fd()}));
  session.host_ = std::move(host);
  session.reconciler_ = std::make_unique<reconcile::Reconciler>(
      *session.host_, *session.store_, console, read_recorded);
  return session;
}

Result<void> Session::lock(const std::string& purpose, bool wait) {
  NSLAB_ASSIGN(held, state::LabLock::take(store_->directory(), lab_, purpose, wait));
  lock_ = std::move(held);
  return {};
}

Result<void> Session::unlock() {
  return lock_ ? lock_->release() : Result<void>();
}

std::optional<resource::ObservedState> look_beside(host::Host& host,
                                                   const std::function<void()>& work) {
  std::optional<resource::ObservedState> seen;
  auto looking = try_thread([&] {
    if (auto observed = host.observe()) {
      seen = *std::move(observed);
    }
  });
  work();
  looking.reset();  // has ended
  return seen;
}

Result<std::vector<std::string>> labs_on_host() {
  return host::labs_on_host(state::default_state_dir());
}

std::optional<std::string> lab_of_file(const std::string& file) {
  const std::string path = fs::absolute(file).lexically_normal().string();
  const state::RecordStore store(state::default_state_dir());
  for (const std::string& lab : store.labs()) {
    if (store.load(lab).file() == path) {
      return lab;
    }
  }
  return std::nullopt;
}

Result<std::string> find_lab(const std::string& target) {
  if (target.empty()) {
    return only_lab();
  }
  if (looks_like_file(target)) {
    // The file may have changed or be gone: its record knows the lab's name.
    if (const auto lab = lab_of_file(target)) {
      return *lab;
    }
    const std::string name = fs::path(target).stem().string();
    if (!host::is_lab_name(name)) {
      return no_lab(target, labs_on_host().value_or({}));  // "labs/", say
    }
    return name;
  }
  NSLAB_ASSIGN(labs, labs_on_host());
  if (std::ranges::find(labs, target) == labs.end()) {
    return no_lab(target, labs);
  }
  return target;
}

Result<NodeName> find_node(const std::string& target) {
  const std::size_t slash = target.find('/');
  if (slash != std::string::npos) {
    const std::string node = target.substr(slash + 1);
    const std::vector<std::string> having = labs_with(node);
    if (std::ranges::find(having, target.substr(0, slash)) != having.end()) {
      return NodeName{target.substr(0, slash), node};
    }
    NSLAB_ASSIGN(lab, find_lab(target.substr(0, slash)));
    return no_node(node, nodes_of(lab));
  }
  const std::vector<std::string> having = labs_with(target);
  if (having.empty()) {
    std::vector<std::string> known;
    for (const std::string& lab : labs_on_host().value_or({})) {
      const std::vector<std::string> nodes = nodes_of(lab);
      known.insert(known.end(), nodes.begin(), nodes.end());
    }
    return no_node(target, known);
  }
  if (having.size() > 1) {
    return Error{.kind = ErrorKind::usage,
                 .message = "several labs have a node " + quote(target) + ": " + join(having, ", "),
                 .hint = "write LAB/" + target};
  }
  return NodeName{having.front(), target};
}

void explain_failure(const reconcile::Failed& failed, const std::string& lab, Console& console) {
  console.fail(failed.errors);
  if (failed.rollback_error) {
    const auto same = [&](const Error& error) {
      return to_string(error) == to_string(*failed.rollback_error) &&
             error.where.line == failed.rollback_error->where.line;
    };
    if (std::ranges::any_of(failed.errors, same)) {
      console.say("putting the lab back failed the same way");
    } else {
      console.fail(*failed.rollback_error);
    }
    console.say("lab " + quote(lab) + " could not be put back; 'nslab down " + lab +
                "' removes what is left");
  } else if (!failed.rolled_back) {
    console.say("lab " + quote(lab) + " is left as it is; 'nslab down " + lab + "' removes it");
  }
}

int exit_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::syntax:
    case ErrorKind::schema:
    case ErrorKind::semantic:
      return kUsage;
    default:
      return kFailed;
  }
}

}  // namespace nslab::cli
