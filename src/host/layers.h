// The writable layers of a node's root: overlays over the file systems that it is made of.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"

namespace nslab::host {

struct Layer {
  std::string lower;
  std::string upper;
  std::string work;
};

// In a directory that is there. What the node wrote into the layer before stays.
Result<Layer> make_layer(const std::string& directory, const std::string& lower);

// The directory of the layer over `target`. A layer is known by the place that it is over: the
// host may have other file systems when the node starts again.
std::string layer_dir(const std::string& node_dir, const std::string& target);

// The writable layers of a node, by where in it they are.
using Uppers = std::map<std::string, std::string, std::less<>>;

// Takes the files that `list` names out of the layers of a node that is down, and the list away:
// the lab file's, so that those that it no longer has are gone; the others are written anew.
Result<void> forget_laid(const std::string& list, const Uppers& uppers);

}  // namespace nslab::host
