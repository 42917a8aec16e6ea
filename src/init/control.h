// The clients of a node's init: their connections, and whose they may be.
#pragma once

#include "init/poll_set.h"
#include "init/supervise.h"

namespace nslab::init {

// Keeps env= and spec= of a packet as what `status` says of the node.
void remember_node(Node& node, const Packet& packet);

void watch_clients(const Node& node, int listener, PollSet& polls, short& connecting);

// Takes a connection that waits. One not from the host's root is refused.
void accept_client(Node& node, int listener);

// Reads requests and answers those that can be. True when one was answered: that
// may be what another waits for.
bool serve_clients(Node& node);

// Sends a reply, or keeps it until there is room for it.
void send(Client& client, const Writer& reply);

}  // namespace nslab::init
