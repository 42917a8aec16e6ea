// Mounts and files inside a node, made by its init: a path is then walked where
// it means what the node means by it, and no link in it leads out.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <span>

#include "base/fd.h"
#include "base/text.h"
#include "host/control.h"
#include "host/files.h"
#include "host/objects.h"
#include "kernel/mount.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

using resource::Directory;
using resource::File;
using resource::Mount;

Result<Control> control_of(const Context& context, const std::string& node) {
  return Control::connect(context.layout.control_socket(node));
}

Result<void> put_file(const Context& context, const File& spec) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  File remembered = spec;
  remembered.content.clear();  // `status` tells it as it then is, and escaped it may not fit
  Packet packet;
  packet.add("path", spec.path)
      .add("mode", std::to_string(spec.mode))
      .add("owner", spec.owner)
      .add("content", spec.content)
      .add("spec", resource::to_json_text(remembered));
  NSLAB_ASSIGN(reply, control.request("write", std::move(packet)));
  // Noted for when the node starts again without the file.
  return reply.has("at")
             ? append_line(context.layout.laid_file(spec.node), std::string(reply.get("at")))
             : Result<void>();
}

// The root that the node was made with; nothing where it has none of its own.
Result<std::string> root_of(const Context& context, const std::string& node) {
  NSLAB_ASSIGN(control, control_of(context, node));
  NSLAB_ASSIGN(about, control.request("about", Packet()));
  const auto spec = resource::from_json_text(about.get("spec"));
  const auto* known = spec ? std::get_if<resource::Node>(&*spec) : nullptr;
  if (known == nullptr || known->root == "host") {
    return std::string();
  }
  return known->root == "overlay" ? std::string("/") : known->root;
}

// What a node sees at the path when nothing of its own is there: what the lab gives to all
// nodes, or what is below its root. Invalid where that is no file.
UniqueFd open_below(const std::string& root, const std::string& path) {
  const UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
               .mode = 0,
               .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  UniqueFd file(
      static_cast<int>(::syscall(SYS_openat2, top.get(), path.c_str(), &how, sizeof how)));

  struct stat info {};

  return ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) ? std::move(file) : UniqueFd();
}

Result<void> take_file(const Context& context, const File& spec) {
  NSLAB_ASSIGN(root, root_of(context, spec.node));
  UniqueFd below;
  if (!root.empty()) {
    below = open_below(context.layout.base_dir(), spec.path);
    below = below.valid() ? std::move(below) : open_below(root, spec.path);
  }
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  Packet packet;
  packet.add("path", spec.path);

  struct stat info {};

  if (below.valid() && ::fstat(below.get(), &info) == 0) {
    packet.add("uid", std::to_string(info.st_uid))
        .add("gid", std::to_string(info.st_gid))
        .add("mode", std::to_string(info.st_mode & 07777))
        .add("fd", "host");
    const int fd = below.get();
    NSLAB_TRY(control.request("remove", std::move(packet), {&fd, 1}));
    return {};
  }
  NSLAB_TRY(control.request("remove", std::move(packet)));
  return {};
}

Result<void> put_directory(const Context& context, const Directory& spec) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  Packet packet;
  packet.add("path", spec.path)
      .add("mode", std::to_string(spec.mode))
      .add("owner", spec.owner)
      .add("spec", resource::to_json_text(spec));
  NSLAB_TRY(control.request("mkdir", std::move(packet)));
  return {};
}

Result<void> take_directory(const Context& context, const Directory& spec) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  NSLAB_TRY(control.request("rmdir", Packet().add("path", spec.path)));
  return {};
}

// `again`: what is mounted there gets what it is to be; what is in a tmpfs stays.
Result<void> put_mount(const Context& context, const Mount& spec, bool again) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  Packet packet;
  packet.add("target", spec.target)
      .add("spec", resource::to_json_text(spec))
      .add("read_only", spec.read_only ? "1" : "0");
  if (again) {
    packet.add("again", "1");
  }
  UniqueFd tree;
  if (spec.type == resource::MountType::tmpfs) {
    packet.add("tmpfs", "1").add("mode", std::to_string(spec.mode)).add("owner", spec.owner);
    if (spec.size) {
      packet.add("size", std::to_string(*spec.size));
    }
  } else if (!again) {
    NSLAB_ASSIGN(cloned, kernel::clone_mount(spec.source, spec.read_only));
    tree = std::move(cloned);
    packet.add("fd", "tree");
  }
  const int fd = tree.get();
  const std::span<const int> descriptors(&fd, tree.valid() ? 1 : 0);
  NSLAB_TRY(control.request("mount", std::move(packet), descriptors));
  return {};
}

Result<void> take_mount(const Context& context, const Mount& spec) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  NSLAB_TRY(control.request("unmount", Packet().add("target", spec.target)));
  return {};
}

}  // namespace

Outcome create(Context& context, Batch<Mount> batch) {
  return each(batch, [&](const Mount& spec) { return put_mount(context, spec, false); });
}

Outcome change(Context& context, Changes<Mount> batch) {
  return each(batch, [&](const Mount& /*before*/, const Mount& after) {
    return put_mount(context, after, true);
  });
}

Outcome destroy(Context& context, Batch<Mount> batch) {
  return each(batch, [&](const Mount& spec) { return take_mount(context, spec); });
}

Outcome create(Context& context, Batch<Directory> batch) {
  return each(batch, [&](const Directory& spec) { return put_directory(context, spec); });
}

Outcome change(Context& context, Changes<Directory> batch) {
  return each(batch, [&](const Directory& /*before*/, const Directory& after) {
    return put_directory(context, after);
  });
}

Outcome destroy(Context& context, Batch<Directory> batch) {
  return each(batch, [&](const Directory& spec) { return take_directory(context, spec); });
}

Outcome create(Context& context, Batch<File> batch) {
  return each(batch, [&](const File& spec) { return put_file(context, spec); });
}

Outcome change(Context& context, Changes<File> batch) {
  return each(batch,
              [&](const File& /*before*/, const File& after) { return put_file(context, after); });
}

Outcome destroy(Context& context, Batch<File> batch) {
  return each(batch, [&](const File& spec) { return take_file(context, spec); });
}

}  // namespace nslab::host
