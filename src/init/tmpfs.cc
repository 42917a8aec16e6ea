#include "init/tmpfs.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstdint>

#include "init/text.h"

namespace nslab::init {
namespace {

struct Place {
  const char* key;
  const char* path;
};

constexpr std::array kPlaces{Place{"tmp", "/tmp"}, Place{"run", "/run"}, Place{"shm", "/dev/shm"}};

// 0 is no device of a tmpfs.
dev_t device_of(const char* path) {
  struct stat info {};

  return ::stat(path, &info) == 0 ? info.st_dev : 0;
}

}  // namespace

OwnTmpfs OwnTmpfs::find() {
  OwnTmpfs own;
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    own.devices_[i] = device_of(kPlaces[i].path);
  }
  return own;
}

void OwnTmpfs::describe(Writer& writer) const {
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    struct statfs info {};

    const Place& place = kPlaces[i];
    if (devices_[i] == 0 || device_of(place.path) != devices_[i] ||
        ::statfs(place.path, &info) != 0) {
      continue;
    }
    Text<32> bytes;
    Text<32> device;
    bytes << place.key << "_bytes";
    device << place.key << "_device";
    writer.add(bytes.view(), static_cast<std::int64_t>(info.f_blocks) * info.f_bsize)
        .add(device.view(), static_cast<std::int64_t>(devices_[i]));
  }
}

}  // namespace nslab::init
