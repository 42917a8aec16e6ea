#include "state/record.h"

#include <sys/stat.h>

#include <filesystem>

#include <catch2/catch.hpp>

#include "support/print.h"
#include "support/scratch.h"
#include "support/sketch.h"

using namespace nslab;
using namespace nslab::test;
using state::LabRecord;
using state::RecordStore;

namespace {

LabRecord sample() {
  return {.lab = "lab",
          .file = "/labs/webdb.yaml",
          .boot_id = state::boot_id(),
          .applied = desired_state(webdb()),
          .intended = desired_state({.nodes = {{.name = "a", .services = {"one", "two"}}}})};
}

struct Store {
  ScratchDirectory scratch;
  RecordStore records{scratch.path() + "/state"};
  std::string file = scratch.path() + "/state/lab.json";
};

void check_same(const resource::DesiredState& left, const resource::DesiredState& right) {
  CHECK(left.lab == right.lab);
  CHECK(left.description == right.description);
  CHECK(print(as_observed(left)) == print(as_observed(right)));
  for (const auto& [id, each] : left.resources) {
    const resource::Desired& other = right.resources.at(id);
    CHECK(each.origin.line == other.origin.line);
    CHECK(each.origin.column == other.origin.column);
    CHECK(each.after == other.after);
    CHECK(each.order == other.order);
  }
}

}  // namespace

TEST_CASE("record: what is saved is loaded") {
  Store store;
  LabRecord record = sample();
  record.applied->description = "Zürich \"quoted\"";
  REQUIRE(store.records.save(record));
  const auto loaded = store.records.load("lab");
  REQUIRE(loaded);
  CHECK(loaded->file == "/labs/webdb.yaml");
  check_same(*record.applied, *loaded->applied);
  check_same(*record.intended, *loaded->intended);
  CHECK(*loaded->applied->resources.begin()->second.origin.file == "/labs/webdb.yaml");
}

TEST_CASE("record: a file cut at any byte is no record") {
  Store store;
  LabRecord small = sample();
  small.applied = small.intended;
  REQUIRE(store.records.save(small));
  const std::string text = read_file(store.file);
  for (std::size_t length = 0; length < text.size(); ++length) {
    write_file(store.file, text.substr(0, length));
    REQUIRE_FALSE(store.records.load("lab"));
  }
}

TEST_CASE("record: a file with any byte flipped is no record") {
  Store store;
  LabRecord small = sample();
  small.applied.reset();
  REQUIRE(store.records.save(small));
  const std::string text = read_file(store.file);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char flip : {'\x01', '\x20', '\x7f'}) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      write_file(store.file, damaged);
      REQUIRE_FALSE(store.records.load("lab"));
    }
  }
}

TEST_CASE("record: rubbish is no record") {
  Store store;
  REQUIRE(store.records.save(sample()));
  for (const char* text :
       {"", "\n", "\n\n", "{}\n", "{}\n{}\n", "[1]\nnull\n", "{\"version\":\"1\"}\n{}\n"}) {
    write_file(store.file, text);
    CHECK_FALSE(store.records.load("lab"));
  }
}

TEST_CASE("record: that of another boot, version or lab is none") {
  Store store;
  LabRecord record = sample();
  record.boot_id = "another";
  REQUIRE(store.records.save(record));
  CHECK_FALSE(store.records.load("lab"));

  REQUIRE(store.records.save(sample()));
  std::string text = read_file(store.file);
  write_file(store.scratch.path() + "/state/other.json", text);
  CHECK_FALSE(store.records.load("other"));
  REQUIRE(text.starts_with("{\"version\":1,"));
  text.replace(0, 13, "{\"version\":2,");
  write_file(store.file, text);
  CHECK_FALSE(store.records.load("lab"));
}

TEST_CASE("record: a save that cannot be done leaves the old record and says so") {
  Store store;
  REQUIRE(store.records.save(sample()));
  std::filesystem::create_directories(store.file + ".new/in the way");
  LabRecord other = sample();
  other.file = "/other.yaml";
  const auto saved = store.records.save(other);
  REQUIRE_FALSE(saved);
  CHECK(to_string(saved.error()) == "creating '" + store.file + ".new': Is a directory (EISDIR)");
  CHECK(store.records.load("lab")->file == "/labs/webdb.yaml");
}

TEST_CASE("record: the last one takes the directory along") {
  Store store;
  LabRecord other = sample();
  other.lab = "other";
  REQUIRE(store.records.save(sample()));
  REQUIRE(store.records.save(other));
  std::filesystem::create_directory(store.records.directory() + "/third");
  CHECK(store.records.labs() == std::vector<std::string>{"lab", "other", "third"});
  std::filesystem::remove(store.records.directory() + "/third");
  REQUIRE(store.records.remove("lab"));
  REQUIRE(store.records.remove("lab"));
  CHECK(store.records.labs() == std::vector<std::string>{"other"});
  REQUIRE(store.records.remove("other"));
  CHECK_FALSE(std::filesystem::exists(store.records.directory()));
  CHECK(store.records.labs().empty());
}

TEST_CASE("record: nobody else reads it") {
  Store store;
  REQUIRE(store.records.save(sample()));

  struct stat info {};

  REQUIRE(::stat(store.file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
}
