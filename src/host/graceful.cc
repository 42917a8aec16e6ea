#include "host/graceful.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/directory.h"
#include "host/control.h"
#include "host/files.h"

namespace nslab::host {
namespace {

using Clock = std::chrono::steady_clock;

// A node's name has no colon.
constexpr char kSeparator = ':';

std::string mark_of(const Layout& layout, const resource::Service& spec) {
  return layout.graceful_dir() + "/" + spec.node + kSeparator + spec.name;
}

std::string_view node_of(std::string_view mark) {
  return mark.substr(0, mark.find(kSeparator));
}

// Sends the request to each, and keeps those that answer.
void ask_all(std::vector<Control>& nodes,
             std::string_view verb,
             std::chrono::milliseconds patience) {
  std::erase_if(nodes, [&](Control& node) { return !node.send(verb, {}); });
  const auto deadline = Clock::now() + patience;
  std::erase_if(nodes, [&](Control& node) { return !node.receive(deadline); });
}

}  // namespace

Result<void> mark_graceful(const Layout& layout, const resource::Service& spec) {
  if (!spec.graceful) {
    return {};
  }
  NSLAB_TRY(make_directory(layout.graceful_dir()));
  return write_file(mark_of(layout, spec), "", 0600);
}

void unmark_graceful(const Layout& layout, const resource::Service& spec) {
  (void)::unlink(mark_of(layout, spec).c_str());
}

Result<void> unmark_graceful(const Layout& layout, std::string_view node) {
  NSLAB_ASSIGN(marks, names_in(layout.graceful_dir()));
  for (const std::string& mark : marks) {
    if (node_of(mark) == node) {
      (void)::unlink((layout.graceful_dir() + "/" + mark).c_str());
    }
  }
  return {};
}

Result<std::vector<std::string>> graceful_nodes(const Layout& layout) {
  NSLAB_ASSIGN(marks, names_in(layout.graceful_dir()));
  std::vector<std::string> nodes;
  for (const std::string& mark : marks) {
    if (nodes.empty() || nodes.back() != node_of(mark)) {
      nodes.emplace_back(node_of(mark));
    }
  }
  return nodes;
}

void end_services(const Context& context, std::span<const std::string> nodes) {
  constexpr std::chrono::seconds kToAnswer{10};
  const std::size_t at_once = context.at_once(256, 1);
  for (std::size_t first = 0; first < nodes.size(); first += at_once) {
    std::vector<Control> asked;
    for (const std::string& node : nodes.subspan(first, std::min(at_once, nodes.size() - first))) {
      if (auto control = Control::connect(context.layout.control_socket(node))) {
        asked.push_back(*std::move(control));
      }
    }
    ask_all(asked, "about", kToAnswer);
    ask_all(asked, "shutdown", Control::kPatience);
  }
}

}  // namespace nslab::host
