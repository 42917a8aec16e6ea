// Makes the inits of nodes through a small helper process: `nslab-init spawn`.
// A large program forks slowly, and its threads and memory have no business in
// a node.
//
// The helper works in a private mount namespace without the names of any lab's
// namespaces: cloning a mount namespace copies every mount in it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "host/control.h"
#include "host/host.h"
#include "host/layout.h"

namespace nslab::host {

// What the helper is told of one node: a packet, and descriptors for its `fd` keys.
struct NodeRequest {
  Packet packet;
  std::vector<UniqueFd> fds;
};

class Spawner {
 public:
  // Starts the helper, for a lab whose lock is held.
  static Result<std::unique_ptr<Spawner>> start(const Layout& layout);

  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  using MakeRequest = std::function<Result<NodeRequest>(std::size_t)>;

  // Sends the requests that make(0) to make(count - 1) prepare, each while the nodes
  // before it are being made, and waits until each node is ready or has failed.
  // After a failure, which is returned, no more are sent; nodes that were made stay.
  Outcome spawn(std::size_t count, const MakeRequest& make);

 private:
  Spawner(UniqueFd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}

  // The next request, whose id joins those sent.
  Outcome send(std::vector<std::string>& sent, const MakeRequest& make);

  UniqueFd socket_;
  pid_t pid_;
};

}  // namespace nslab::host
