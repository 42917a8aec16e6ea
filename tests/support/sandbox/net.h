// Network namespaces for tests of the kernel module.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "kernel/link.h"
#include "kernel/netlink.h"
#include "kernel/netns.h"

namespace nslab::test {

// The value of a Result, or the end of the test with its error.
template <typename T>
T require(Result<T> result) {
  if (!result) {
    FAIL(to_string(result.error()));
  }
  return *std::move(result);
}

inline void require(const Result<void>& result) {
  if (!result) {
    FAIL(to_string(result.error()));
  }
}

// "" for success.
template <typename T>
std::string error_of(const Result<T>& result) {
  return result ? "" : to_string(result.error());
}

// "tag: error" of each that failed.
inline std::vector<std::string> texts_of(const std::vector<kernel::Failure>& failures) {
  std::vector<std::string> texts;
  for (const auto& failure : failures) {
    texts.push_back(std::to_string(failure.tag) + ": " + to_string(failure.error));
  }
  return texts;
}

// Whether there is one failure only, and its text begins and ends so. Between the
// two are the kernel's own words, which change with its versions.
inline bool one_failure(const std::vector<std::string>& texts,
                        std::string_view begin,
                        std::string_view end) {
  UNSCOPED_INFO((texts.empty() ? "no failure" : texts.front()));
  return texts.size() == 1 && texts.front().starts_with(begin) && texts.front().ends_with(end);
}

inline std::chrono::steady_clock::time_point in_seconds(int seconds) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
}

// A fresh network namespace and a socket that works in it.
struct Net {
  kernel::NetnsHandle handle = require(kernel::create_netns());
  UniqueFd& fd = handle.ns;
  kernel::Socket& socket = handle.socket;

  // Executes what `append` puts into a batch; the failures' texts.
  template <typename Append>
  std::vector<std::string> run(Append append) {
    kernel::Batch batch;
    append(batch);
    return texts_of(socket.execute(batch));
  }

  kernel::Link link(const std::string& name) {
    for (auto& link : require(kernel::list_links(socket))) {
      if (link.name == name) {
        return link;
      }
    }
    FAIL("no interface " << name);
    return {};
  }

  bool has_link(const std::string& name) {
    for (const auto& link : require(kernel::list_links(socket))) {
      if (link.name == name) {
        return true;
      }
    }
    return false;
  }
};

}  // namespace nslab::test
