// A node of its own for a test: made by the real spawner, without a lab.
#pragma once

#include <sched.h>

#include <memory>
#include <string>
#include <vector>

#include "host/control.h"
#include "host/spawner.h"

namespace nslab::test {

// All that the init says of its node.
Result<std::vector<host::Packet>> status_of(host::Control& control);

struct Finished {
  std::string ending;  // "code=0", "signal=9", or why it did not start
  std::string output;
};

class Node {
 public:
  // All that a node usually has of its own.
  static constexpr int kOwn =
      CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;

  // An overlay over "/" in namespaces of its own; `change` may make it another.
  template <typename Change>
  explicit Node(const std::string& name, Change change) : Node(name, prepare(name)) {
    change(request_);
    start();
  }

  explicit Node(const std::string& name) : Node(name, [](host::NodeRequest&) {}) {}

  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Why it could not be made; empty when it runs.
  [[nodiscard]] const std::string& error() const { return error_; }

  // Of its init, as seen from here.
  [[nodiscard]] pid_t pid();

  // The directory that holds its "upper" and its socket.
  [[nodiscard]] const std::string& directory() const { return directory_; }

  host::Control connect();

  // The reply, as "verb key=value key=value".
  std::string ask(std::string_view verb, host::Packet fields, std::vector<int> fds = {});

  // A shell command inside.
  Finished shell(const std::string& command);
  // Its output, or the end of the test when it fails.
  std::string out(const std::string& command);

 private:
  Node(const std::string& name, host::NodeRequest request);

  static host::NodeRequest prepare(const std::string& name);
  void start();

  std::string directory_;
  host::NodeRequest request_;
  std::string error_;
};

// Sets a field that the request has already.
void replace(host::NodeRequest& request, std::string_view key, const std::string& value);

// A namespace of a process, or another descriptor, under the name that it has in
// the request.
void give(host::NodeRequest& request, const std::string& name, UniqueFd fd);
UniqueFd open_file(const std::string& path);

std::string text_of(const host::Packet& packet);

}  // namespace nslab::test
