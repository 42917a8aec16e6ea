#include "state/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <thread>

#include <catch2/catch.hpp>

#include "support/scratch.h"

using namespace nslab;
using namespace nslab::test;
using state::LabLock;

namespace {

struct Place {
  ScratchDirectory scratch;
  std::string directory = scratch.path() + "/state";

  Result<LabLock> take(const char* purpose, bool wait = false) const {
    return LabLock::take(directory, "lab", purpose, wait);
  }
};

}  // namespace

TEST_CASE("lock: who comes second is told who was first") {
  const Place place;
  const auto first = place.take("up");
  REQUIRE(first);
  const auto second = place.take("down");
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::conflict);
  CHECK(std::regex_match(
      second.error().message,
      std::regex("lab 'lab' is being changed by 'nslab up' \\(pid " + std::to_string(::getpid()) +
                 ", since [0-9]{2}:[0-9]{2}:[0-9]{2}\\)")));
  CHECK(LabLock::take(place.directory, "other", "up", false));
}

TEST_CASE("lock: a holder that has not written its name yet is named by its number") {
  const Place place;
  std::filesystem::create_directories(place.directory);
  const UniqueFd file(
      ::open((place.directory + "/lab.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::flock(file.get(), LOCK_EX) == 0);
  const auto second = place.take("down");
  REQUIRE_FALSE(second);
  CHECK(second.error().message ==
        "lab 'lab' is being changed by process " + std::to_string(::getpid()));
}

TEST_CASE("lock: who waited for a file that its holder removed has it, and nobody else") {
  const Place place;
  auto first = place.take("up");
  REQUIRE(first);
  std::atomic<bool> waits = true;
  std::optional<LabLock> second;
  std::thread waiter([&] {
    if (auto taken = place.take("down", /*wait=*/true)) {
      second.emplace(*std::move(taken));
    }
    waits = false;
  });
  // It has the file open, and waits for the lock on it: as proc_locks(5) shows.
  const auto is_waiting = [] {
    std::ifstream locks("/proc/locks");
    std::string line;
    while (std::getline(locks, line)) {
      if (line.find("-> FLOCK") != std::string::npos &&
          line.find(" " + std::to_string(::getpid()) + " ") != std::string::npos) {
        return true;
      }
    }
    return false;
  };
  while (waits && !is_waiting()) {
    std::this_thread::yield();
  }
  REQUIRE(first->release());
  waiter.join();
  REQUIRE(second);
  CHECK(std::filesystem::exists(place.directory + "/lab.lock"));
  CHECK_FALSE(place.take("third"));
}

TEST_CASE("lock: it is free again, and nothing is left of it") {
  const Place place;
  { REQUIRE(place.take("up")); }
  CHECK_FALSE(std::filesystem::exists(place.directory));
  CHECK(place.take("up"));
}

TEST_CASE("lock: a holder that is killed frees it") {
  const Place place;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = place.take("up");
    ::_exit(lock ? 0 : 1);  // no destructor runs
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  CHECK(std::filesystem::exists(place.directory + "/lab.lock"));
  CHECK(place.take("down"));
}

TEST_CASE("lock: of many that wait, one at a time has it") {
  const Place place;
  std::atomic<int> inside = 0;
  std::atomic<int> wrong = 0;
  const auto worker = [&] {
    for (int i = 0; i < 200; ++i) {
      const auto lock = place.take("up", true);
      wrong += lock.has_value() && ++inside == 1 ? 0 : 1;
      --inside;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(worker);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == 0);
  CHECK_FALSE(std::filesystem::exists(place.directory));
}

TEST_CASE("lock: a directory that cannot be made is an error, not a wait") {
  const Place place;
  write_file(place.directory, "a file");
  const auto lock = place.take("up");
  REQUIRE_FALSE(lock);
  CHECK(lock.error().kind == ErrorKind::kernel);
  const auto nowhere = LabLock::take("/proc/nowhere/state", "lab", "up", false);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message == "opening '/proc/nowhere/state/lab.lock'");
}
