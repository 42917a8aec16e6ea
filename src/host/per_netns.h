// Work on many objects, one network namespace after the other: a socket each,
// and everything for that namespace in one batch of messages.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "host/context.h"

namespace nslab::host {

// The index of an interface. Listed once, and again when the name is not known.
Result<kernel::LinkIndex> find_link(OpenNetns& netns, std::string_view interface);

// Sees to it that the interface can have IPv6 addresses: somebody may have switched IPv6 off in
// it, or in all of a node, and then the kernel refuses them (EACCES). Switched on, it makes
// itself a link-local address, of no use until it has looked for duplicates, unless `quiet`:
// then it makes none until the caller has it make them again.
Result<void> allow_ipv6(OpenNetns& netns, const std::string& interface, bool quiet);

// Open namespaces are descriptors: not all of a large lab's at once.
inline constexpr std::size_t kNetnsAtOnce = 128;

// Sorts the members of a batch by the namespace that netns_of(member) names. The
// numbers are their places in the batch: what netlink messages are tagged with.
template <typename Members, typename NetnsOf>
std::map<std::string, std::vector<std::size_t>> by_netns(const Members& members, NetnsOf netns_of) {
  std::map<std::string, std::vector<std::size_t>> sorted;
  for (std::size_t i = 0; i < members.size(); ++i) {
    sorted[netns_of(members[i])].push_back(i);
  }
  return sorted;
}

// The members at these places, which are all of one namespace.
template <typename Append>
Outcome execute_in(OpenNetns& netns, const std::vector<std::size_t>& places, Append append) {
  kernel::Batch messages;
  for (const std::size_t place : places) {
    if (Result<void> added = append(netns, messages, place); !added) {
      return Failure{place, std::move(added).error()};
    }
  }
  return first_failure(netns.socket.execute(messages));
}

// For each namespace, on several threads: lets append(netns, messages, i) add what
// member i needs, and sends it. What append does for one namespace must not
// touch what it does for another.
template <typename Members, typename NetnsOf, typename Append>
Outcome for_each_netns(Context& context, const Members& members, NetnsOf netns_of, Append append) {
  struct Work {
    std::shared_ptr<OpenNetns> netns;
    std::vector<std::size_t> places;
    Outcome outcome;
  };

  const std::size_t at_once = context.at_once(kNetnsAtOnce, 2);
  auto sorted = by_netns(members, netns_of);
  while (!sorted.empty()) {
    std::vector<Work> work;
    while (!sorted.empty() && work.size() < at_once) {
      auto first = sorted.extract(sorted.begin());
      auto netns = open_netns(context, first.key());
      if (!netns) {
        return Failure{first.mapped().front(), std::move(netns).error()};
      }
      work.push_back({*std::move(netns), std::move(first.mapped()), {}});
    }
    in_parallel(work.size(), [&](std::size_t i) {
      work[i].outcome = execute_in(*work[i].netns, work[i].places, append);
    });
    for (Work& each : work) {
      if (each.outcome) {
        return std::move(each.outcome);
      }
    }
  }
  return {};
}

}  // namespace nslab::host
