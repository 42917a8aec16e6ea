// The file systems in memory that a node with a root of its own begins with.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "resource/node.h"

namespace nslab::host {

struct TmpfsOf {
  std::string_view key;  // in init/protocol.h
  const char* path;
  std::string resource::Node::*share;
};

inline constexpr std::array kNodeTmpfs{TmpfsOf{"tmp", "/tmp", &resource::Node::tmp},
                                       TmpfsOf{"run", "/run", &resource::Node::run},
                                       TmpfsOf{"shm", "/dev/shm", &resource::Node::shm}};

}  // namespace nslab::host
