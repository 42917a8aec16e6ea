#include "support/scratch.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace nslab::test {

ScratchDirectory::ScratchDirectory() {
  // The record is synced to its disk time and again: thousands of tests of it
  // want a disk in memory.
  const bool memory = ::access("/dev/shm", W_OK) == 0;
  path_ = std::string(memory ? "/dev/shm" : "/tmp") + "/nslab-test-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::runtime_error("no scratch directory " + path_);
  }
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace nslab::test
