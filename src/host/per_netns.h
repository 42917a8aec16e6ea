// Work on many objects, one network namespace after the other: a socket each,
// and everything for that namespace in one batch of messages.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "host/context.h"

namespace nslab::host {

// The index of an interface in the namespace that `socket` works in.
Result<kernel::LinkIndex> find_link(Context& context,
                                    kernel::Socket& socket,
                                    const std::string& netns,
                                    const std::string& interface);

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

// For each namespace: opens a socket, lets append(socket, messages, i) add what
// member i needs, and sends it.
template <typename Members, typename NetnsOf, typename Append>
Outcome for_each_netns(Context& context, const Members& members, NetnsOf netns_of, Append append) {
  for (const auto& [netns, places] : by_netns(members, netns_of)) {
    auto socket = netns_socket(context, netns);
    if (!socket) {
      return Failure{places.front(), std::move(socket).error()};
    }
    kernel::Batch messages;
    for (const std::size_t place : places) {
      if (Result<void> added = append(*socket, messages, place); !added) {
        return Failure{place, std::move(added).error()};
      }
    }
    if (auto failure = first_failure(socket->execute(messages))) {
      return failure;
    }
  }
  return {};
}

}  // namespace nslab::host
