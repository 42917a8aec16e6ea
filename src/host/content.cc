// Mounts and files inside a node, made by its init: a path is then walked where
// it means what the node means by it, and no link in it leads out.
#include "base/text.h"
#include "host/control.h"
#include "host/objects.h"
#include "kernel/mount.h"
#include "resource/json.h"

namespace nslab::host {
namespace {

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
      .add("content", spec.content)
      .add("spec", resource::to_json_text(remembered));
  NSLAB_TRY(control.request("write", std::move(packet)));
  return {};
}

Result<void> take_file(const Context& context, const File& spec) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  NSLAB_TRY(control.request("remove", Packet().add("path", spec.path)));
  return {};
}

Result<void> put_mount(const Context& context, const Mount& spec) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  Packet packet;
  packet.add("target", spec.target).add("spec", resource::to_json_text(spec));
  if (spec.type == resource::MountType::bind) {
    NSLAB_ASSIGN(tree, kernel::clone_mount(spec.source, spec.read_only));
    packet.add("fd", "tree");
    const int fd = tree.get();
    NSLAB_TRY(control.request("mount", std::move(packet), {&fd, 1}));
    return {};
  }
  packet.add("tmpfs", "1").add("read_only", spec.read_only ? "1" : "0");
  if (spec.size) {
    packet.add("size", std::to_string(*spec.size));
  }
  NSLAB_TRY(control.request("mount", std::move(packet)));
  return {};
}

Result<void> take_mount(const Context& context, const Mount& spec) {
  NSLAB_ASSIGN(control, control_of(context, spec.node));
  NSLAB_TRY(control.request("unmount", Packet().add("target", spec.target)));
  return {};
}

}  // namespace

Outcome create(Context& context, Batch<Mount> batch) {
  return each(batch, [&](const Mount& spec) { return put_mount(context, spec); });
}

Outcome destroy(Context& context, Batch<Mount> batch) {
  return each(batch, [&](const Mount& spec) { return take_mount(context, spec); });
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
