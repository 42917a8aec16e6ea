#include "platform/node.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "support/sandbox/net.h"

namespace nslab::test {

Result<std::vector<host::Packet>> status_of(host::Control& control) {
  NSLAB_TRY(control.ask_status());
  return control.hear_status();
}

namespace {

const std::string kState = "/run/nslab";

UniqueFd bind_socket(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

}  // namespace

Node::Node(const std::string& name, host::NodeRequest request)
    : directory_(kState + "/" + name), request_(std::move(request)) {}

host::NodeRequest Node::prepare(const std::string& name) {
  const std::string directory = kState + "/" + name;
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory + "/upper");
  std::filesystem::create_directories(directory + "/work");
  host::NodeRequest request;
  request.packet.verb = "node";
  request.packet.add("id", name)
      .add("name", "test." + name)
      .add("hostname", name)
      .add("clone", std::to_string(kOwn))
      .add("root", "overlay")
      .add("lower", "/")
      .add("upper", directory + "/upper")
      .add("work", directory + "/work");
  return request;
}

void Node::start() {
  give(request_, "listen", bind_socket(directory_ + "/init.sock"));
  const auto spawner = require(host::Spawner::start(host::Layout(kState, "lab")));
  if (const auto failure = spawner->spawn(1, [&](std::size_t) { return std::move(request_); })) {
    error_ = to_string(failure->error);
  }
}

Node::~Node() {
  if (error_.empty()) {
    if (auto control = host::Control::connect(directory_ + "/init.sock")) {
      const pid_t pid = control->init_pid();
      (void)::kill(pid, SIGKILL);
      (void)::waitpid(pid, nullptr, 0);  // the tests are PID 1, and so its parent by now
    }
  }
}

host::Control Node::connect() {
  INFO(error_);
  return require(host::Control::connect(directory_ + "/init.sock"));
}

pid_t Node::pid() {
  return connect().init_pid();
}

std::string Node::ask(std::string_view verb, host::Packet fields, std::vector<int> fds) {
  auto control = connect();
  require(control.send(verb, std::move(fields), fds));
  return text_of(require(host::receive_packet(control.fd(), in_seconds(20))));
}

Finished Node::shell(const std::string& command) {
  const UniqueFd output(::memfd_create("output", MFD_CLOEXEC));
  host::Packet fields;
  fields.add("argv", "/bin/sh").add("argv", "-c").add("argv", command);
  fields.add("fd", "stdout").add("fd", "stderr");
  Finished finished;
  finished.ending = ask("run", std::move(fields), {output.get(), output.get()});
  if (finished.ending.starts_with("exit ")) {
    finished.ending.erase(0, 5);
  }
  std::ifstream file("/proc/self/fd/" + std::to_string(output.get()));
  finished.output.assign(std::istreambuf_iterator<char>(file), {});
  return finished;
}

std::string Node::out(const std::string& command) {
  const Finished finished = shell(command);
  INFO(command << ": " << finished.output);
  REQUIRE(finished.ending == "code=0");
  return finished.output;
}

void replace(host::NodeRequest& request, std::string_view key, const std::string& value) {
  for (auto& field : request.packet.fields) {
    if (field.first == key) {
      field.second = value;
      return;
    }
  }
  request.packet.add(key, value);
}

void give(host::NodeRequest& request, const std::string& name, UniqueFd fd) {
  REQUIRE(fd.valid());
  request.packet.add("fd", name);
  request.fds.push_back(std::move(fd));
}

UniqueFd open_file(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

std::string text_of(const host::Packet& packet) {
  std::string text = packet.verb;
  for (const auto& [key, value] : packet.fields) {
    text += " " + key + "=" + value;
  }
  return text;
}

}  // namespace nslab::test
