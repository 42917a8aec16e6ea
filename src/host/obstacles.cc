#include "host/obstacles.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "host/capacity.h"
#include "host/id_maps.h"
#include "host/needs.h"
#include "host/observe.h"
#include "kernel/cgroup.h"

namespace nslab::host {
namespace {

bool is_directory(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// What an obstacle is looked for with.
struct Question {
  const Context& context;
  const resource::DesiredState& desired;
};

// What does not map owners shows every file as nobody's, and lets nobody write.
std::optional<Error> obstacle_to_mapping(IdMaps& maps, const resource::Node& spec) {
  const std::string root = spec.root == "overlay" ? "/" : spec.root;
  const bool own_root =
      spec.root != "host" && spec.ns(resource::NsType::mnt).mode == resource::NsChoice::Mode::own;
  if (!own_root || spec.ns(resource::NsType::user).mode == resource::NsChoice::Mode::host ||
      maps.takes(root)) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::missing,
               .message = "node " + quote(spec.name) +
                          " cannot have a user namespace: the file system of its root, " +
                          quote(root) + ", does not let owners be mapped, as overlay and 9p do not",
               .hint = "write 'user: host', or a 'root:' on ext4, xfs or btrfs"};
}

// time_namespaces(7): a clock of a node can be set off to before this host's began, and to
// nothing before that.
std::optional<Error> clock_before_its_begin(const resource::Node& spec) {
  struct Clock {
    clockid_t id;
    std::string_view key;
    std::chrono::seconds offset;
  };

  for (const Clock& each : {Clock{CLOCK_MONOTONIC, "monotonic", spec.monotonic_offset},
                            Clock{CLOCK_BOOTTIME, "boottime", spec.boottime_offset}}) {
    timespec now{};
    if (::clock_gettime(each.id, &now) == 0 && each.offset.count() < -now.tv_sec) {
      return Error{.kind = ErrorKind::conflict,
                   .message = "'clock: {" + std::string(each.key) + "}' of node " +
                              quote(spec.name) + " would be before 0: on this host it stands at " +
                              std::to_string(now.tv_sec) + "s",
                   .hint = "set it off by no less than -" + std::to_string(now.tv_sec) + "s"};
    }
  }
  return std::nullopt;
}

std::optional<Error> obstacle(const Question& /*question*/, const resource::Node& spec) {
  if (auto early = clock_before_its_begin(spec)) {
    return early;
  }
  const bool own_root =
      spec.root != "host" && spec.ns(resource::NsType::mnt).mode == resource::NsChoice::Mode::own;
  if (own_root && spec.root != "overlay" && !is_directory(spec.root)) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "the root of node " + quote(spec.name) + ", " + quote(spec.root) +
                            ", is no directory",
                 .hint = "make it, with debootstrap for example"};
  }
  return std::nullopt;
}

// Where the path leads in what a new node sees: the host's tree, or what is bound there.
std::string seen_at(const resource::DesiredState& desired,
                    const std::string& node,
                    const std::string& path) {
  std::string place = resource::place_on_host(desired, node, path);
  const auto found = desired.resources.find(resource::node_id(node));
  if (!place.empty() || found == desired.resources.end() ||
      resource::mount_above(desired, node, path) != nullptr) {
    return place;
  }
  const std::string& root = std::get<resource::Node>(found->second.spec).root;
  return root == "overlay" ? path : root + path;
}

std::string_view kind_of(const struct stat& info) {
  return S_ISDIR(info.st_mode) ? "a directory" : "a file";
}

// nslab makes nothing in what is bound from the host: it would stay there.
Error not_on_host(const resource::Mount& spec, const std::string& place, bool directory) {
  return Error{.kind = ErrorKind::not_found,
               .message = "a mount at " + quote(spec.target) + " of node " + quote(spec.node) +
                          " needs " + (directory ? "a directory " : "a file ") + quote(place) +
                          " on the host, and nslab makes none there",
               .hint = (directory ? "mkdir -p " : "touch ") + place};
}

std::optional<Error> obstacle(const Question& question, const resource::Mount& spec) {
  struct stat source {
    .st_mode = S_IFDIR
  };

  if (spec.type == resource::MountType::bind && ::stat(spec.source.c_str(), &source) != 0) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "there is no " + quote(spec.source) + " to bind at " +
                            quote(spec.target) + " of node " + quote(spec.node)};
  }
  const std::string on_host = resource::place_on_host(question.desired, spec.node, spec.target);
  const bool directory = S_ISDIR(source.st_mode);

  struct stat there {};

  if (!on_host.empty() && ::lstat(on_host.c_str(), &there) != 0) {
    return not_on_host(spec, on_host, directory);
  }
  if (!on_host.empty() && S_ISLNK(there.st_mode)) {
    return Error{.kind = ErrorKind::conflict,
                 .message = "a mount at " + quote(spec.target) + " of node " + quote(spec.node) +
                            " would be on a symbolic link of the host's, " + quote(on_host),
                 .hint = "mount where it leads"};
  }
  const std::string seen = seen_at(question.desired, spec.node, spec.target);
  if (!seen.empty() && ::stat(seen.c_str(), &there) == 0 && S_ISDIR(there.st_mode) != directory) {
    return Error{.kind = ErrorKind::conflict,
                 .message = quote(spec.target) + " of node " + quote(spec.node) + " is " +
                            std::string(kind_of(there)) + ", and what is to be mounted there, " +
                            (spec.source.empty() ? "a tmpfs" : quote(spec.source)) + ", is " +
                            std::string(kind_of(source)),
                 .hint = directory ? "choose a directory of the node, or one that is not there yet"
                                   : "give the whole path of the file in the node"};
  }
  return std::nullopt;
}

std::optional<Error> obstacle(const Question& question, const resource::Directory& spec) {
  const std::string place = resource::place_on_host(question.desired, spec.node, spec.path);
  if (place.empty()) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::conflict,
               .message = "directory " + quote(spec.path) + " of node " + quote(spec.node) +
                          " would be made or changed on the host, as " + quote(place),
               .hint = "make it there by hand, or put the directory elsewhere"};
}

// A file of the host's is covered, and stays as it is; one that is not there would stay.
std::optional<Error> obstacle(const Question& question, const resource::File& spec) {
  const std::string place = resource::place_on_host(question.desired, spec.node, spec.path);

  struct stat there {};

  if (place.empty()) {
    const std::string seen = seen_at(question.desired, spec.node, spec.path);
    if (seen.empty() || ::stat(seen.c_str(), &there) != 0 || !S_ISDIR(there.st_mode)) {
      return std::nullopt;
    }
    return Error{.kind = ErrorKind::conflict,
                 .message = quote(spec.path) + " of node " + quote(spec.node) +
                            " is a directory, and no file can be made there",
                 .hint = "give the whole path of the file"};
  }
  if (::lstat(place.c_str(), &there) == 0 && S_ISREG(there.st_mode)) {
    return std::nullopt;
  }
  const auto* above = resource::mount_above(question.desired, spec.node, spec.path);
  if (::lstat(place.c_str(), &there) == 0) {
    return Error{.kind = ErrorKind::conflict,
                 .message = "file " + quote(spec.path) + " of node " + quote(spec.node) +
                            " would cover " + quote(place) + " of the host, which is no file",
                 .hint = "give another path, or make that a file"};
  }
  return Error{.kind = ErrorKind::not_found,
               .message = "file " + quote(spec.path) + " of node " + quote(spec.node) +
                          " would be made on the host, as " + quote(place) + ": " +
                          quote(above != nullptr ? above->source : "/") + " is mounted there",
               .hint = "touch " + place +
                       ", which nslab then covers and leaves as it is; or put "
                       "the file elsewhere"};
}

// What is put into a frozen cgroup freezes, and never answers.
std::optional<Error> frozen_cgroup(const Context& context) {
  const std::string file = context.cgroups.frozen_by(context.layout.lab());
  if (file.empty()) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::conflict,
               .message = "somebody has frozen the processes of lab " +
                          quote(context.layout.lab()) + ", by " + quote(file),
               .hint = "let them go on: echo " +
                       std::string(file.ends_with("freeze") ? "0" : "THAWED") + " > " + file};
}

// The lab's cgroup, taken by somebody else: what is in it is not nslab's to end.
std::optional<Error> taken_cgroup(const Context& context) {
  for (const kernel::CgroupTree::Foreign& each : context.cgroups.foreign()) {
    const std::string other = state_dir_in(each.mark);
    if (!each.mark.empty()) {
      return Error{.kind = ErrorKind::conflict,
                   .message = "a lab " + quote(context.layout.lab()) +
                              " is there already, made by an nslab with another state directory: " +
                              quote(other),
                   .hint =
                       "give this one another name, or take the other one down: "
                       "NSLAB_STATE_DIR=" +
                       other + " nslab down " + context.layout.lab()};
    }
    return Error{.kind = ErrorKind::conflict,
                 .message = "cgroup " + quote(each.directory) +
                            " is where the lab's would be, and nslab did not make it",
                 .hint = "remove it, give the lab another name, or set NSLAB_CGROUP_PARENT"};
  }
  return std::nullopt;
}

std::optional<Error> obstacle(const Question& question, const resource::Cgroup& spec) {
  if (!kernel::has_cpus(spec.cpuset)) {
    return Error{.kind = ErrorKind::missing,
                 .message = "node " + quote(spec.node) + " cannot run on CPUs " + spec.cpuset +
                            ": this host has " + kernel::cpus_of_host(),
                 .hint = "write others in its 'cpuset'"};
  }
  return taken_cgroup(question.context);
}

// The lab's place, taken by something that has none of our marks.
std::optional<Error> obstacle(const Question& question, const resource::Lab& /*spec*/) {
  const Context& context = question.context;
  if (auto taken = taken_cgroup(context)) {
    return taken;
  }
  const std::string directory = context.layout.lab_dir();
  std::error_code failed;
  if (is_lab_mounted(context.layout) || !std::filesystem::exists(directory, failed) ||
      std::filesystem::is_empty(directory, failed)) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::conflict,
               .message = quote(directory) + " holds something that nslab did not put there",
               .hint = "remove or rename it, or give the lab another name"};
}

std::optional<Error> obstacle(const Question& question, const resource::NetNs& spec) {
  const Context& context = question.context;
  const std::string link = context.layout.name_link(spec.name);

  struct stat info {};

  if (::lstat(link.c_str(), &info) != 0 || leads_into(context.layout, spec.name)) {
    return std::nullopt;
  }
  if (auto taken = taken_cgroup(context)) {
    return taken;  // and so is the name, by the same lab
  }
  return Error{.kind = ErrorKind::conflict,
               .message = "a network namespace " + quote(context.layout.public_name(spec.name)) +
                          " exists (" + link + "), and nslab did not make it",
               .hint = "remove or rename it, or give the lab another name"};
}

template <typename T>
std::optional<Error> obstacle(const Question& /*question*/, const T& /*spec*/) {
  return std::nullopt;
}

}  // namespace

std::vector<Error> obstacles(Context& context, const resource::DesiredState& desired, Made made) {
  std::vector<Error> found = lacking(made);
  std::vector<Error> too_many = exceeded(desired, made, context.inherited);
  found.insert(found.end(), too_many.begin(), too_many.end());
  const bool makes_nodes = std::ranges::any_of(made, [](const resource::Desired* entry) {
    return std::holds_alternative<resource::Node>(entry->spec);
  });
  if (auto frozen = makes_nodes ? frozen_cgroup(context) : std::nullopt) {
    found.push_back(*std::move(frozen));
  }
  const Question question{context, desired};
  IdMaps maps;
  for (const resource::Desired* entry : made) {
    const auto* node = std::get_if<resource::Node>(&entry->spec);
    auto unmapped = node != nullptr ? obstacle_to_mapping(maps, *node) : std::nullopt;
    if (unmapped) {
      unmapped->where = entry->origin;
      found.push_back(*std::move(unmapped));
    }
    auto error =
        std::visit([&](const auto& spec) { return obstacle(question, spec); }, entry->spec);
    const bool is_told =
        error && std::ranges::any_of(found, [&](const Error& each) {
          return each.message == error->message;  // of the lab as a whole, by each of its objects
        });
    if (error && !is_told) {
      error->where = entry->origin;
      found.push_back(*std::move(error));
    }
  }
  return found;
}

}  // namespace nslab::host
