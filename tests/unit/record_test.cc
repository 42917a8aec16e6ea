#include "state/record.h"

#include <sys/stat.h>

#include <filesystem>

#include <catch2/catch.hpp>

#include "state/record_text.h"
#include "support/scratch.h"

using namespace nslab;
using namespace nslab::test;
using state::LabRecord;
using state::LabSource;
using state::RecordStore;

namespace {

LabSource webdb() {
  return {.file = "/labs/webdb.yaml",
          .directory = "/labs",
          .text = "# Zürich\nname: \"lab\"\nnodes: {web: , db: }\n"};
}

LabSource router() {
  return {.file = "-", .directory = "/", .without_limits = true, .text = "nodes: {r: }"};
}

struct Store {
  ScratchDirectory scratch;
  RecordStore records{scratch.path() + "/state"};
  std::string applied = scratch.path() + "/state/lab.applied";

  void bring_to(const LabSource& source) const {
    REQUIRE(records.intend("lab", source));
    REQUIRE(records.commit("lab"));
  }

  [[nodiscard]] LabRecord load() const { return records.load("lab"); }
};

}  // namespace

TEST_CASE("record: what is intended is there at once, and stays until it is done or not to be") {
  Store store;
  CHECK(store.load() == LabRecord{});
  REQUIRE(store.records.intend("lab", webdb()));
  CHECK(store.load() == LabRecord{.intended = webdb()});
  REQUIRE(store.records.commit("lab"));
  CHECK(store.load() == LabRecord{.applied = webdb()});
  REQUIRE(store.records.intend("lab", router()));
  CHECK(store.load() == LabRecord{.applied = webdb(), .intended = router()});
  CHECK(store.load().file() == "/labs/webdb.yaml");
  REQUIRE(store.records.withdraw("lab"));
  CHECK(store.load() == LabRecord{.applied = webdb()});
  REQUIRE(store.records.intend_nothing("lab"));
  CHECK(store.load() == LabRecord{.intended = webdb()});
  REQUIRE(store.records.intend_nothing("lab"));
  CHECK(store.load() == LabRecord{.intended = webdb()});
}

TEST_CASE("record: any text is kept as it is") {
  Store store;
  for (const char* text : {"", "\n", "\n\n", "x", "{}", "a: 1\r\nb: \t\xff\n"}) {
    LabSource source = webdb();
    source.text = text;
    store.bring_to(source);
    CHECK(store.load().applied == source);
  }
}

TEST_CASE("record: a file cut at any byte is no record") {
  Store store;
  store.bring_to(webdb());
  const std::string text = read_file(store.applied);
  for (std::size_t length = 0; length < text.size(); ++length) {
    write_file(store.applied, text.substr(0, length));
    REQUIRE_FALSE(store.load().applied);
  }
}

TEST_CASE("record: a file with any byte flipped is no record") {
  Store store;
  store.bring_to(webdb());
  const std::string text = read_file(store.applied);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char flip : {'\x01', '\x20', '\x7f'}) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      write_file(store.applied, damaged);
      REQUIRE_FALSE(store.load().applied);
    }
  }
}

TEST_CASE("record: rubbish is no record") {
  Store store;
  store.bring_to(webdb());
  for (const char* body : {"", "\n", "\n\n", "{}\n", "[1]\nnull\n", "{\"lab\":1}\n", "x: y\n"}) {
    write_file(store.applied, body);
    CHECK_FALSE(store.load().applied);
    write_file(store.applied, state::with_header(body));
    CHECK_FALSE(store.load().applied);
  }
}

TEST_CASE("record: that of another boot, version or lab is none") {
  Store store;
  store.bring_to(webdb());
  const std::string text = read_file(store.applied);
  auto entry = state::from_text(text);
  REQUIRE(entry);
  entry->boot_id = "another";
  write_file(store.applied, state::to_text(*entry));
  CHECK_FALSE(store.load().applied);

  write_file(store.scratch.path() + "/state/other.applied", text);
  CHECK(store.records.load("other") == LabRecord{});

  REQUIRE(text.starts_with("{\"version\":3,"));
  std::string other = text;
  other.replace(0, 13, "{\"version\":2,");
  write_file(store.applied, other);
  CHECK_FALSE(store.load().applied);
}

TEST_CASE("record: an intent that cannot be written leaves the old record and says so") {
  Store store;
  store.bring_to(webdb());
  const std::string fresh = store.scratch.path() + "/state/lab.intended.new";
  std::filesystem::create_directories(fresh + "/in the way");
  const auto written = store.records.intend("lab", router());
  REQUIRE_FALSE(written);
  CHECK(to_string(written.error()) == "'" + fresh + "' is a directory, where nslab keeps a file");
  CHECK(store.load() == LabRecord{.applied = webdb()});
}

TEST_CASE("record: the last one takes the directory along") {
  Store store;
  store.bring_to(webdb());
  REQUIRE(store.records.intend("lab", router()));
  REQUIRE(store.records.intend("other", router()));
  std::filesystem::create_directory(store.records.directory() + "/third");
  CHECK(store.records.labs() == std::vector<std::string>{"lab", "other", "third"});
  std::filesystem::remove(store.records.directory() + "/third");
  REQUIRE(store.records.remove("lab"));
  REQUIRE(store.records.remove("lab"));
  CHECK(store.records.labs() == std::vector<std::string>{"other"});
  REQUIRE(store.records.withdraw("other"));
  CHECK_FALSE(std::filesystem::exists(store.records.directory()));
  CHECK(store.records.labs().empty());
}

TEST_CASE("record: nobody else reads it") {
  Store store;
  store.bring_to(webdb());

  struct stat info {};

  REQUIRE(::stat(store.applied.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
}
