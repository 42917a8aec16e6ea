#include "init/verbs.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <utility>

#include "init/control.h"
#include "init/files.h"
#include "init/mounts.h"
#include "init/process.h"
#include "init/root.h"
#include "init/text.h"

namespace nslab::init {
namespace {

bool reply(Client& client, const Writer& writer) {
  send(client, writer);
  return true;
}

bool ok(Client& client) {
  return reply(client, Writer("ok"));
}

bool refuse(Client& client, std::string_view verb, const Failure& failure) {
  Text<512> what;
  what << failure.what << (failure.on.empty() ? "" : " ") << failure.on;
  return reply(client, Writer(verb).add("what", what.view()).add("errno", failure.error));
}

// "ok", or an error.
bool conclude(Client& client, const Failure& failure) {
  return failure ? refuse(client, "error", failure) : ok(client);
}

bool bad_request(Client& client, std::string_view what) {
  return refuse(client, "error", {.what = what});
}

bool same(const Packet& a, const Packet& b, std::string_view key) {
  return a.get(key) == b.get(key);
}

// Replaces what is remembered of the object that `key` names.
void remember(List<Memory>& memories, std::string_view key, const Writer& writer) {
  Packet packet(writer);
  memories.remove_if([&](const Memory& memory) { return same(memory.packet, packet, key); });
  memories.add(Memory{.packet = std::move(packet)});
}

void forget(List<Memory>& memories, std::string_view key, const Packet& request) {
  memories.remove_if([&](const Memory& memory) { return same(memory.packet, request, key); });
}

// From the first start of anything on, where /dev is the node's own.
void open_syslog(Node& node, Packet& request) {
  UniqueFd file = request.take_fd("syslog");
  if (file.valid() && !node.syslog && node.circumstances.own_root) {
    node.syslog = std::make_unique<Syslog>(std::move(file));
  }
}

const Memory* find(const List<Memory>& memories, std::string_view key, const Packet& request) {
  return memories.find_if([&](const Memory& memory) { return same(memory.packet, request, key); });
}

// The mount by which a file covers the host's; 0 without one.
std::uint64_t cover_of(const Memory& file) {
  return static_cast<std::uint64_t>(file.packet.fields().number("cover"));
}

void remember_owner(const Owner& owner, Writer& memory) {
  if (owner.given) {
    memory.add("uid", owner.uid).add("gid", owner.gid);
  }
}

bool start(Node& node, Client& client) {
  const std::string_view name = client.request.get("name");
  if (name.empty() || !client.request.fields().has("argv")) {
    return bad_request(client, "a service needs a name and a command");
  }
  if (node.service(name) != nullptr || node.stopping) {
    return refuse(
        client, "error", {.what = "there is already a service", .on = name, .error = EEXIST});
  }
  UniqueFd log = client.request.take_fd("log");
  open_syslog(node, client.request);
  client.request.close_descriptors();
  node.services.add(std::make_unique<Service>(std::move(client.request), std::move(log)))
      .begin(now());
  return ok(client);
}

bool stop(Node& node, Client& client) {
  const std::string_view name = client.request.get("name");
  if (Service* service = node.service(name)) {
    service->stop(now());
    if (!service->gone()) {
      return false;
    }
    node.services.remove_if([&](const Service& each) { return &each == service; });
  }
  return ok(client);
}

// Where another service is in its way, with the other's name.
bool refuse_service(const Node& node, Client& client, const Service& service) {
  Text<512> what;
  what << service.what();
  for (const Service& other : node.services) {
    if (service.probe.rival() > 0 && &other != &service && other.owns(service.probe.rival())) {
      // The number of the process ends the probe's reason; what else the service failed of does
      // not say why.
      const bool told = service.what().find("who listens on port") != std::string_view::npos;
      what << (told ? ", of service '" : "; its port is held by service '") << other.name() << "'";
    }
  }
  return refuse(client, "failed", {.what = what.view(), .error = service.error()});
}

bool wait(Node& node, Client& client) {
  const Service* service = node.service(client.request.get("name"));
  if (service == nullptr) {
    return refuse(client, "failed", {.what = "is not there"});
  }
  const bool stands = client.request.fields().number("stands") != 0;
  switch (stands ? service->standing() : service->verdict()) {
    case Service::Verdict::pending:
      return false;
    case Service::Verdict::ready:
      return reply(client, Writer("ready"));
    case Service::Verdict::failed:
      return refuse_service(node, client, *service);
  }
  return true;
}

int or_null(int fd) {
  return fd >= 0 ? fd : STDIN_FILENO;
}

// Where the command is said, and then what it prints. None that it belongs to: null.
Log* open_setup_log(Node& node, Packet& request) {
  UniqueFd file = request.take_fd("log");
  if (!file.valid()) {
    return nullptr;
  }
  if (!node.setup_log) {
    node.setup_log = std::make_unique<Log>(std::move(file));
  }
  Text<256> line;
  line << "$ " << request.get("title") << "\n";
  node.setup_log->note(line.view());
  node.setup_log->mark();
  return node.setup_log.get();
}

bool finish_command(Node& node, Client& client) {
  const Packet& request = client.request;
  const int status = client.command.status;
  const Log* log = client.command.log ? node.setup_log.get() : nullptr;
  client.command = {};
  Writer exit("exit");
  if (WIFSIGNALED(status)) {
    exit.add("signal", WTERMSIG(status));
  } else {
    exit.add("code", WEXITSTATUS(status));
  }
  if (log != nullptr) {
    node.setup_log->copy();  // what it printed last
    exit.add("from", log->marked());
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && request.fields().has("key")) {
    remember(node.setups,
             "key",
             Writer("setup").add("key", request.get("key")).add("spec", request.get("spec")));
  }
  return reply(client, exit);
}

bool run(Node& node, Client& client) {
  if (client.command.ended) {
    return finish_command(node, client);
  }
  if (client.command.pid > 0) {
    return false;
  }
  Packet& request = client.request;
  open_syslog(node, request);
  Log* log = open_setup_log(node, request);
  client.command.log = log != nullptr;
  const Streams streams{.in = or_null(request.fd("stdin")),
                        .out = log != nullptr ? log->input() : or_null(request.fd("stdout")),
                        .err = log != nullptr ? log->input() : or_null(request.fd("stderr"))};
  Process process;
  const Failure failure = start_process(request.fields(), "argv", streams, process);
  client.command.pid = process.pid;
  request.close_descriptors();
  return failure && refuse(client, "failed", failure);
}

bool about(Node& node, Client& client) {
  Writer about("node");
  std::array<char, 65> hostname{};
  (void)::gethostname(hostname.data(), hostname.size() - 1);
  about.add("protocol", kProtocolVersion).add("hostname", hostname.data());
  for (const Field field : node.about.fields()) {
    about.add(field.key, field.value);
  }
  node.tmpfs.describe(about);
  return reply(client, about);
}

bool status(Node& node, Client& client) {
  for (const Service& service : node.services) {
    Writer writer("service");
    service.describe(writer, now());
    send(client, writer);
  }
  for (const Memory& setup : node.setups) {
    send(client,
         Writer("setup").add("key", setup.packet.get("key")).add("spec", setup.packet.get("spec")));
  }
  for (const Memory& file : node.files) {
    Writer writer("file");
    writer.add("path", file.packet.get("path")).add("spec", file.packet.get("spec"));
    describe_file(file.packet, writer);
    send(client, writer);
  }
  for (const Memory& directory : node.directories) {
    Writer writer("directory");
    writer.add("path", directory.packet.get("path")).add("spec", directory.packet.get("spec"));
    describe_directory(directory.packet, writer);
    send(client, writer);
  }
  for (const Memory& mount : node.mounts) {
    Writer writer("mount");
    describe_mount(mount.packet, writer);
    send(client, writer);
  }
  client.last = true;
  return about(node, client);
}

bool hostname(Node& node, Client& client) {
  if (!node.circumstances.own_hostname) {
    return bad_request(client, "the hostname is not the node's own");
  }
  const std::string_view name = client.request.get("name");
  const Failure failure = set_hostname(name);
  return conclude(
      client,
      failure || !node.circumstances.own_root ? failure : write_hostname(name, HostParts(node)));
}

bool describe_node(Node& node, Client& client) {
  remember_node(node, client.request);
  return ok(client);
}

bool write(Node& node, Client& client) {
  const Packet& request = client.request;
  const std::string_view content = request.get("content");
  if (!request.get("path").starts_with('/')) {
    return bad_request(client, "a file needs an absolute path");
  }
  if (content.size() > kMaxContent) {
    return refuse(client,
                  "error",
                  {.what = "too much content for", .on = request.get("path"), .error = EFBIG});
  }
  const Memory* before = find(node.files, "path", request);
  Written written;
  written.cover = before != nullptr ? cover_of(*before) : 0;
  if (const Failure failure = write_file(request, HostParts(node), written)) {
    return conclude(client, failure);
  }
  Writer memory("file");
  memory.add("path", request.get("path"))
      .add("spec", request.get("spec"))
      .add("cover", static_cast<std::int64_t>(written.cover));
  remember_owner(written.owner, memory);
  remember(node.files, "path", memory);
  if (written.cover != 0 || written.directory.view().empty()) {
    return ok(client);
  }
  const std::string_view path = request.get("path");
  Text<PATH_MAX + NAME_MAX> at;
  at << (written.directory.view() == "/" ? "" : written.directory.view())
     << path.substr(path.rfind('/'));
  return reply(client, Writer("ok").add("at", at.view()));
}

bool remove(Node& node, Client& client) {
  const Memory* memory = find(node.files, "path", client.request);
  const std::uint64_t cover = memory != nullptr ? cover_of(*memory) : 0;
  if (const Failure failure = remove_file(client.request, HostParts(node), cover)) {
    return conclude(client, failure);
  }
  forget(node.files, "path", client.request);
  return ok(client);
}

bool mkdir(Node& node, Client& client) {
  const Packet& request = client.request;
  if (!request.get("path").starts_with('/')) {
    return bad_request(client, "a directory needs an absolute path");
  }
  const Memory* before = find(node.directories, "path", request);
  bool made = before != nullptr && before->packet.fields().has("made");
  Owner owner;
  if (const Failure failure = make_directory(request, HostParts(node), owner, made)) {
    return conclude(client, failure);
  }
  Writer memory("directory");
  memory.add("path", request.get("path")).add("spec", request.get("spec"));
  remember_owner(owner, memory);
  if (made) {
    memory.add("made", 1);
  }
  remember(node.directories, "path", memory);
  return ok(client);
}

bool rmdir(Node& node, Client& client) {
  const Memory* memory = find(node.directories, "path", client.request);
  if (memory != nullptr && memory->packet.fields().has("made")) {
    remove_directory(memory->packet.text("path"), HostParts(node));
  }
  forget(node.directories, "path", client.request);
  return ok(client);
}

bool mount(Node& node, Client& client) {
  const Packet& request = client.request;
  if (!request.get("target").starts_with('/')) {
    return bad_request(client, "a mount needs an absolute target");
  }
  Writer memory("mount");
  const Failure failure = make_mount(request, HostParts(node), memory);
  if (!failure) {
    remember(node.mounts, "target", memory);
  }
  return conclude(client, failure);
}

bool unmount(Node& node, Client& client) {
  const Memory* memory = find(node.mounts, "target", client.request);
  if (memory != nullptr) {
    if (const Failure failure = remove_mount(memory->packet)) {
      return conclude(client, failure);
    }
    forget(node.mounts, "target", client.request);
  }
  return ok(client);
}

bool ptys(Node& node, Client& client) {
  if (!node.circumstances.own_root) {
    return bad_request(client, "the terminals are not the node's own");
  }
  return conclude(
      client, limit_terminals(static_cast<std::uint64_t>(client.request.fields().number("max"))));
}

struct Verb {
  std::string_view name;
  bool (*answer)(Node& node, Client& client);
};

constexpr std::array kVerbs{
    Verb{"start", start},
    Verb{"stop", stop},
    Verb{"wait", wait},
    Verb{"run", run},
    Verb{"about", about},
    Verb{"status", status},
    Verb{"hostname", hostname},
    Verb{"node", describe_node},
    Verb{"mkdir", mkdir},
    Verb{"rmdir", rmdir},
    Verb{"ptys", ptys},
    Verb{"write", write},
    Verb{"remove", remove},
    Verb{"mount", mount},
    Verb{"unmount", unmount},
};

}  // namespace

bool answer(Node& node, Client& client) {
  const std::string_view name = client.request.fields().verb();
  for (const Verb& verb : kVerbs) {
    if (verb.name == name) {
      return verb.answer(node, client);
    }
  }
  return bad_request(client, "no such request");
}

}  // namespace nslab::init
