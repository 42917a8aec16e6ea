#include "host/obstacles.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "host/capacity.h"
#include "host/needs.h"
#include "host/observe.h"

namespace nslab::host {
namespace {

bool is_directory(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::optional<Error> obstacle(const Context& /*context*/, const resource::Node& spec) {
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

std::optional<Error> obstacle(const Context& /*context*/, const resource::Mount& spec) {
  if (spec.type != resource::MountType::bind || ::access(spec.source.c_str(), F_OK) == 0) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::not_found,
               .message = "there is no " + quote(spec.source) + " to bind at " +
                          quote(spec.target) + " of node " + quote(spec.node)};
}

// The lab's place, taken by something that has none of our marks.
std::optional<Error> obstacle(const Context& context, const resource::Lab& /*spec*/) {
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

std::optional<Error> obstacle(const Context& context, const resource::NetNs& spec) {
  const std::string link = context.layout.name_link(spec.name);

  struct stat info {};

  if (::lstat(link.c_str(), &info) != 0 || leads_into(context.layout, spec.name)) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::conflict,
               .message = "a network namespace " + quote(context.layout.public_name(spec.name)) +
                          " exists (" + link + "), and nslab did not make it",
               .hint = "remove or rename it, or give the lab another name"};
}

template <typename T>
std::optional<Error> obstacle(const Context& /*context*/, const T& /*spec*/) {
  return std::nullopt;
}

}  // namespace

std::vector<Error> obstacles(Context& context, const resource::DesiredState& desired, Made made) {
  std::vector<Error> found = lacking(made);
  std::vector<Error> too_many = exceeded(desired, made, context.inherited);
  found.insert(found.end(), too_many.begin(), too_many.end());
  for (const resource::Desired* entry : made) {
    auto error = std::visit([&](const auto& spec) { return obstacle(context, spec); }, entry->spec);
    if (error) {
      error->where = entry->origin;
      found.push_back(*std::move(error));
    }
  }
  return found;
}

}  // namespace nslab::host
