// What a network namespace remembers of what it has seen, and could be wrong about when
// others change: its neighbours' addresses, ways that routers have pointed out, path MTUs,
// and at which port of a bridge a station is. It learns all of it again as it is needed.
#pragma once

#include "base/result.h"
#include "kernel/netlink.h"

namespace nslab::kernel {

// Both families. Entries stay that somebody has made to stay: permanent ones, and those of
// routing daemons.
Result<void> forget_neighbours(Socket& socket);

// The exceptions that routes have gathered: redirects and path MTUs.
Result<void> forget_cached_routes(Socket& socket, int netns_fd);

// Of every bridge in the socket's namespace. Static entries stay.
Result<void> forget_stations(Socket& socket);

}  // namespace nslab::kernel
