#include "base/fd.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

#include <catch2/catch.hpp>

using namespace nslab;

namespace {

// How many descriptors the kernel has room for without a new table.
long table_size() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("FDSize:")) {
      return std::stol(line.substr(sizeof "FDSize:"));
    }
  }
  return 0;
}

}  // namespace

TEST_CASE("fd: room is made for descriptors, and none is left open") {
  const int next = ::dup(STDIN_FILENO);
  ::close(next);
  const long wanted = 2 * table_size();
  reserve_descriptors(static_cast<int>(wanted));
  CHECK(table_size() == wanted);
  const int then = ::dup(STDIN_FILENO);
  ::close(then);
  CHECK(then == next);
}

TEST_CASE("fd: room is made for as many descriptors as are allowed") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const long size = table_size();
  const rlimit few{.rlim_cur = static_cast<rlim_t>(2 * size), .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  reserve_descriptors(static_cast<int>(64 * size));
  CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(table_size() == 2 * size);
}
