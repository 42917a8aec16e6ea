// Work that the kernel can do on several processors at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace nslab {

// A thread that runs `act` and ends before this object does; invalid where the system
// has none to give: then its caller does the work.
template <typename Act>
std::optional<std::jthread> try_thread(Act act) {
  try {
    return std::jthread(std::move(act));
  } catch (const std::system_error&) {
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

// Runs act(i) for each i below `count`, in no order, and returns when all are
// done. Whatever act touches must be its own. The threads end before it returns:
// none is alive when the program forks. What act throws, where memory has run out,
// comes to the caller.
//
// More than a few threads only wait for each other at the kernel's locks: see
// docs/decisions/0014. A thread takes as long to start as `worth_a_thread` of the
// things that are to be done.
template <typename Act>
void in_parallel(std::size_t count, Act act, std::size_t worth_a_thread = 16) {
  constexpr std::size_t kMostThreads = 4;
  const std::size_t threads = std::min(
      {std::size_t{std::thread::hardware_concurrency()}, kMostThreads, count / worth_a_thread});
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> out_of_memory = false;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        act(i);
      }
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  };
  {
    std::vector<std::optional<std::jthread>> others;
    others.reserve(threads);
    for (std::size_t i = 1; i < threads; ++i) {
      others.push_back(try_thread(work));
    }
    work();
  }
  if (out_of_memory) {
    throw std::bad_alloc();
  }
}

}  // namespace nslab
