#include "init/overlay.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/fd.h"
#include "init/text.h"
#include "init/userns.h"

namespace nslab::init {
namespace {

// mount(2) takes one page of options.
using Options = Text<4096>;
using Path = Text<PATH_MAX>;

// Paths in overlayfs's options: its separators are escaped.
void append_path(Options& options, std::string_view path) {
  for (const char& character : path) {
    if (character == ',' || character == ':' || character == '\\') {
      options << "\\";
    }
    options << std::string_view(&character, 1);
  }
}

// Mounts mapped copies of lower directories at places of their own, as overlayfs
// wants its layers by path. The places are on a tmpfs over a directory that
// nothing here uses; the mount namespace is the node's own, and all but its root
// is left behind.
class MappedLowers {
 public:
  explicit MappedLowers(int userns) : userns_(userns) {}

  // Mounts what is at the path on the host read-only, where a layer cannot be.
  bool bind(const char* path, const char* target) const {
    UniqueFd tree(userns_ >= 0 ? clone_mapped(path, userns_) : -1);
    if (!tree.valid()) {
      tree.reset(::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    }
    mount_attr flags{.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV,
                     .attr_clr = 0,
                     .propagation = MS_PRIVATE,
                     .userns_fd = 0};
    return tree.valid() &&
           ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &flags, sizeof flags) == 0 &&
           ::move_mount(tree.get(), "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  }

  // Appends the place of the mapped copy.
  Failure append(Options& options, const char* lower) {
    Place place;
    if (userns_ >= 0 && !map(lower, place)) {
      return failed("mapping the owners of files in", lower);
    }
    append_path(options, userns_ >= 0 ? place.view() : lower);
    return kSuccess;
  }

  // The same, or the path itself where that cannot be: then its files are nobody's.
  void append_anyhow(Options& options, const char* lower) {
    if (append(options, lower)) {
      append_path(options, lower);
    }
  }

 private:
  using Place = Text<32>;

  static constexpr const char* kPlaces = "/proc";

  bool map(const char* lower, Place& place) {
    const UniqueFd tree(clone_mapped(lower, userns_));
    return tree.valid() && make_place(place) &&
           ::move_mount(tree.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0;
  }

  bool make_place(Place& path) {
    if (count_ == 0 && ::mount("tmpfs", kPlaces, "tmpfs", 0, nullptr) != 0) {
      return false;
    }
    path << kPlaces << "/" << count_++;
    return ::mkdir(path.c_str(), 0755) == 0;
  }

  int userns_;
  int count_ = 0;
};

Failure mount_overlay(const char* target, const Options& layers, uid_t root_user) {
  if (!layers.whole()) {
    return {.what = "too long paths for the layers of", .on = target, .error = ENAMETOOLONG};
  }
  if (::mount("overlay", target, "overlay", MS_NODEV, layers.c_str()) != 0) {
    return failed("mounting an overlay on", target);
  }
  // Now the mount's root, which is the upper directory's.
  return give_to(root_user, target) ? kSuccess : failed("giving the node its root");
}

void append_upper(Options& options, std::string_view upper, std::string_view work) {
  options << ",upperdir=";
  append_path(options, upper);
  options << ",workdir=";
  append_path(options, work);
}

// The parts of "TARGET<TAB>LOWER<TAB>UPPER<TAB>WORK".
struct Layer {
  std::string_view target, lower, upper, work;

  explicit Layer(std::string_view text) {
    for (std::string_view* part : {&target, &lower, &upper, &work}) {
      const std::size_t tab = text.find('\t');
      const std::size_t size = tab < text.size() ? tab : text.size();
      *part = std::string_view(text.data(), size);
      text.remove_prefix(size < text.size() ? size + 1 : size);
    }
  }
};

Failure mount_layer(const Layer& layer, const Packet& request, MappedLowers& mapped, uid_t user) {
  Path lower;
  Path target;
  lower << layer.lower;
  target << request.get("upper") << layer.target;
  Options options;
  options << "lowerdir=";
  INIT_TRY(mapped.append(options, lower.c_str()));
  append_upper(options, layer.upper, layer.work);
  // Below an automounter's place the directory may be there for who looks only.
  (void)::mkdir(target.c_str(), 0755);
  const Failure failure = mount_overlay(target.c_str(), options, user);
  // Overlays do not stack without end, and not over every file system.
  return failure && mapped.bind(lower.c_str(), target.c_str()) ? kSuccess : failure;
}

// "TARGET<TAB>PATH": what is a single file on the host. Without the place for it, it is not seen.
void mount_file(std::string_view text, const Packet& request, const MappedLowers& mapped) {
  const std::size_t tab = text.find('\t');
  Path target;
  target << request.get("upper") << std::string_view(text.data(), tab);
  (void)mapped.bind(text.data() + tab + 1, target.c_str());
}

}  // namespace

Failure mount_overlays(const Packet& request, uid_t root_user) {
  MappedLowers mapped(request.fd("user"));
  Options options;
  std::string_view separator = "lowerdir=";
  for (const Field field : request.fields()) {
    if (field.key == "lower") {
      options << separator;
      INIT_TRY(mapped.append(options, field.value.data()));
      separator = ":";
    } else if (field.key == "base") {
      // nslab's own, on a tmpfs, which Linux maps from 6.3.
      options << separator;
      mapped.append_anyhow(options, field.value.data());
      separator = ":";
    }
  }
  append_upper(options, request.get("upper"), request.get("work"));
  INIT_TRY(mount_overlay(request.text("upper"), options, root_user));
  for (const Field field : request.fields()) {
    if (field.key == "layer") {
      INIT_TRY(mount_layer(Layer(field.value), request, mapped, root_user));
    } else if (field.key == "file" && field.value.find('\t') < field.value.size()) {
      mount_file(field.value, request, mapped);
    }
  }
  return kSuccess;
}

}  // namespace nslab::init
