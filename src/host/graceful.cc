#include "host/graceful.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/directory.h"
#include "host/control.h"
#include "host/files.h"

namespace nslab::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kToAnswer{10};  // beyond what its service may take
// What an init says of its services is a claim.
constexpr std::chrono::milliseconds kShortest{0};
constexpr std::chrono::milliseconds kLongest = std::chrono::hours{24};

// A node's name has no colon.
constexpr char kSeparator = ':';

std::string mark_of(const Layout& layout, const std::string& node, const std::string& name) {
  return layout.graceful_dir() + "/" + node + kSeparator + name;
}

// None for what cannot be read as a number.
std::chrono::milliseconds timeout_in(const std::string& mark) {
  const std::string text = read_file(mark).value_or("");
  std::int64_t count = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), count);
  return std::chrono::milliseconds(std::max<std::int64_t>(count, 0));
}

Result<Control> greet(const Context& context, const Stopping& service) {
  if (context.interrupted()) {
    return interruption();
  }
  NSLAB_ASSIGN(control, Control::connect(context.layout.control_socket(service.node)));
  NSLAB_TRY(control.send("about", {}));
  return control;
}

// One that hangs would be waited for as long as its service may take.
void ask_to_stop(const Context& context,
                 Result<Control>& asked,
                 const Stopping& service,
                 Clock::time_point deadline) {
  if (!asked) {
    return;
  }
  auto told = context.await(*asked, deadline);
  auto sent = told ? asked->send("stop", Packet().add("name", service.name)) : told.error();
  if (!sent) {
    asked = std::move(sent).error();
  }
}

Result<void> hear_of_end(const Context& context,
                         Result<Control>& asked,
                         Clock::time_point deadline) {
  if (!asked) {
    return context.interrupted() ? interruption() : asked.error();
  }
  NSLAB_TRY(context.await(*asked, deadline));
  return {};
}

// What became of each; an init that says nothing is given `patience` beyond what its
// service may take.
std::vector<Result<void>> stop_all(const Context& context,
                                   std::span<const Stopping> services,
                                   std::chrono::milliseconds patience) {
  const std::size_t at_once = context.at_once(256, 1);
  std::vector<Result<void>> ends;
  while (ends.size() < services.size()) {
    const std::size_t first = ends.size();
    std::vector<Result<Control>> asked;
    while (asked.size() < at_once && first + asked.size() < services.size()) {
      asked.push_back(greet(context, services[first + asked.size()]));
    }
    const Clock::time_point alive = Clock::now() + Control::kToAnswer;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      ask_to_stop(context, asked[i], services[first + i], alive);
    }
    const Clock::time_point deadline = Clock::now() + patience;
    for (auto& control : asked) {
      const auto timeout = std::clamp(services[ends.size()].timeout, kShortest, kLongest);
      ends.push_back(hear_of_end(context, control, deadline + timeout));
    }
  }
  return ends;
}

}  // namespace

std::vector<Result<void>> stop_services(const Context& context,
                                        std::span<const Stopping> services) {
  return stop_all(context, services, Control::kPatience);
}

Result<void> end_services(const Context& context, std::span<const Stopping> services) {
  for (Result<void>& end : stop_all(context, services, kToAnswer)) {
    if (!end && end.error().kind == ErrorKind::interrupted) {
      return std::move(end);
    }
  }
  return {};
}

Result<void> mark_graceful(const Layout& layout, const resource::Service& spec) {
  if (!spec.graceful) {
    return {};
  }
  NSLAB_TRY(make_directory(layout.graceful_dir()));
  return remember(
      layout, mark_of(layout, spec.node, spec.name), std::to_string(spec.stop_timeout.count()));
}

void unmark_graceful(const Layout& layout, const std::string& node, const std::string& name) {
  (void)::unlink(mark_of(layout, node, name).c_str());
}

Result<std::vector<Stopping>> graceful_services(const Layout& layout) {
  NSLAB_ASSIGN(marks, names_in(layout.graceful_dir()));
  std::vector<Stopping> services;
  for (const std::string& mark : marks) {
    const std::size_t colon = mark.find(kSeparator);
    if (colon != std::string::npos) {
      services.push_back({.node = mark.substr(0, colon),
                          .name = mark.substr(colon + 1),
                          .timeout = timeout_in(layout.graceful_dir() + "/" + mark)});
    }
  }
  return services;
}

}  // namespace nslab::host
