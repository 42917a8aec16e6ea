// The init of a node: everything that it knows, and the loop in which it learns
// and does things. It never waits but in one poll(2).
#pragma once

#include <sys/types.h>

#include <memory>
#include <string_view>

#include "base/fd.h"
#include "init/list.h"
#include "init/packet.h"
#include "init/poll_set.h"
#include "init/service.h"
#include "init/syslog.h"
#include "init/tmpfs.h"

namespace nslab::init {

// Of what the node has its own.
struct Circumstances {
  bool own_pids = false;
  bool own_users = false;
  bool own_hostname = false;
  bool own_root = false;  // and so an /etc to write to
};

// Something that was done for nslab, which `status` tells: the packet to answer.
struct Memory {
  std::unique_ptr<Memory> next;
  Packet packet;
};

// A command of the verb `run`, from its start until its client knows its end.
struct Command {
  pid_t pid = 0;
  bool ended = false;
  bool log = false;  // it prints into the node's setup log
  int status = 0;
};

// A connection. A request that cannot be answered at once stays, and is tried
// again after whatever happens.
struct Client {
  std::unique_ptr<Client> next;
  UniqueFd socket;
  Packet request;
  bool busy = false;  // has a request without an answer
  bool closed = false;
  bool last = false;  // its request was its last: it is hung up on with the answer
  Command command;
  List<Memory> unsent;  // what the socket had no room for
  short result = 0;
};

struct Node {
  Circumstances circumstances;
  Packet about;  // env= and spec=
  OwnTmpfs tmpfs;
  List<Service> services;
  List<Memory> setups;             // `setup` packets
  std::unique_ptr<Log> setup_log;  // of them all, and what they leave running; once there are any
  short setup_log_result = 0;
  std::unique_ptr<Syslog> syslog;  // once something runs that may log
  List<Memory> directories;        // `directory` packets without the directory's present state
  List<Memory> files;              // `file` packets without the file's present state
  List<Memory> mounts;             // `mount` packets likewise, with an id=
  List<Client> clients;
  bool stopping = false;  // services are being stopped, to end then

  [[nodiscard]] Service* service(std::string_view name) const {
    return services.find_if([&](const Service& service) { return service.name() == name; });
  }
};

// Does what init does, until it is told to stop. `request` is the spawner's.
[[noreturn]] void supervise(int listener,
                            const Circumstances& circumstances,
                            const Packet& request);

}  // namespace nslab::init
