// Makes the inits of nodes through a small helper process: `nslab-init spawn`.
// A large program forks slowly, and its threads and memory have no business in
// a node.
//
// The helper works in a private mount namespace without the names of any lab's
// namespaces: cloning a mount namespace copies every mount in it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "host/control.h"
#include "host/host.h"

namespace nslab::host {

// What the helper is told of one node: a packet, and descriptors for its `fd` keys.
struct NodeRequest {
  Packet packet;
  std::vector<UniqueFd> fds;
};

class Spawner {
 public:
  // Starts the helper. `state_dir` tells where labs keep their names.
  static Result<std::unique_ptr<Spawner>> start(const std::string& state_dir);

  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  // Sends every request and waits until each node is ready or has failed. The
  // first failure is returned; nodes that were made stay.
  Outcome spawn(std::span<NodeRequest> requests);

 private:
  Spawner(UniqueFd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}

  Outcome collect(std::span<const NodeRequest> requests, std::size_t& sent, std::size_t& done);

  UniqueFd socket_;
  pid_t pid_;
};

}  // namespace nslab::host
