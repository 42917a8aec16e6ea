#include "init/control.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "init/verbs.h"

namespace nslab::init {
namespace {

// More wait until one of these is done.
constexpr std::size_t kMaxClients = 256;
// A client that lets more replies than this pile up is dropped.
constexpr std::size_t kMaxUnsent = 4096;

// Whether the peer is root of the host. A node's own root cannot reach the socket
// by its path unless it shares the host's files; but then it comes from inside the
// node's PID namespace, or is the host's root. In a user namespace, the host's
// users have no numbers, and seem to be nobody.
bool is_host_root(int socket, const Circumstances& circumstances) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return false;
  }
  const bool outside = peer.pid == 0 || !circumstances.own_pids;
  return outside && (peer.uid == 0) != circumstances.own_users;
}

int send_now(const Client& client, std::string_view bytes) {
  while (::send(client.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

std::string_view bytes_of(const Memory& memory) {
  return memory.packet.bytes();
}

void send_unsent(Client& client) {
  bool full = false;
  client.unsent.remove_if([&](const Memory& memory) {
    if (full || client.closed) {
      return false;
    }
    const int error = send_now(client, bytes_of(memory));
    full = error == EAGAIN;
    client.closed = error != 0 && !full;
    return error == 0;
  });
}

void drop(Client& client) {
  if (client.command.pid > 0 && !client.command.ended) {
    (void)::kill(-client.command.pid, SIGKILL);
  }
}

// Reads the next request when there is none.
void read_request(Client& client) {
  if (client.busy || !client.unsent.empty() || client.result == 0) {
    return;
  }
  Packet request;
  const int error = request.receive(client.socket.get());
  if (error == EAGAIN) {
    return;
  }
  client.closed = error != 0;
  client.busy = error == 0;
  client.request = std::move(request);
}

bool serve(Node& node, Client& client) {
  if ((client.result & (POLLHUP | POLLERR)) != 0) {
    client.closed = true;
    return false;
  }
  send_unsent(client);
  read_request(client);
  client.result = 0;
  const bool answered = !client.closed && client.busy && answer(node, client);
  if (answered) {
    client.busy = false;
    client.request = {};
  }
  client.closed = client.closed || (client.last && client.unsent.empty());
  return answered && !client.last;  // what `status` tells changes nothing
}

}  // namespace

void remember_node(Node& node, const Packet& packet) {
  Writer about("node");
  for (const Field field : packet.fields()) {
    if (field.key == "env" || field.key == "spec" || field.key == "sees") {
      about.add(field.key, field.value);
    }
  }
  if (!packet.fields().has("sees") && node.about.fields().has("sees")) {
    about.add("sees", node.about.get("sees"));
  }
  node.about = Packet(about);
}

void watch_clients(const Node& node, int listener, PollSet& polls, short& connecting) {
  polls.add(node.clients.size() < kMaxClients ? listener : -1, POLLIN, connecting);
  for (Client& client : node.clients) {
    // A busy client is heard again when it has its answer; that it went away is
    // told in any case.
    const short sending = client.unsent.empty() ? 0 : POLLOUT;
    const short reading = client.busy || sending != 0 ? 0 : POLLIN;
    polls.add(client.socket.get(), static_cast<short>(sending | reading), client.result);
  }
}

void accept_client(Node& node, int listener) {
  UniqueFd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.valid() && is_host_root(socket.get(), node.circumstances)) {
    // Its request may be there already.
    node.clients.add(Client{.socket = std::move(socket), .result = POLLIN});
  }
}

bool serve_clients(Node& node) {
  bool answered = false;
  for (Client& client : node.clients) {
    answered = serve(node, client) || answered;
  }
  node.clients.remove_if([](Client& client) {
    if (client.closed) {
      drop(client);
    }
    return client.closed;
  });
  return answered;
}

void send(Client& client, const Writer& reply) {
  if (!reply.valid() || client.unsent.size() >= kMaxUnsent) {
    client.closed = true;
    return;
  }
  const int error = client.unsent.empty() ? send_now(client, reply.bytes()) : EAGAIN;
  if (error == EAGAIN) {
    client.unsent.add(Memory{.packet = Packet(reply)});
  } else if (error != 0) {
    client.closed = true;
  }
}

}  // namespace nslab::init
