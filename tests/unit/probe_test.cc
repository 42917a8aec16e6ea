// The rows of what a host offers, how an attempt ends, and the report.
#include <unistd.h>

#include <csignal>
#include <set>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "probe/child.h"
#include "probe/examine.h"
#include "probe/limits.h"
#include "report/doctor.h"

using namespace nslab;
using probe::Feature;
using probe::Finding;
using probe::Place;
using probe::State;
using probe::Verdict;

namespace {

constexpr Feature kNeeded{"needed", "needed things", true, "nothing", "buy one", Place::here, {}};
constexpr Feature kExtra{"extra:part", "extras", false, "the rest", "install it", Place::here, {}};

Finding there(const Feature& /*feature*/) {
  return {};
}

Finding not_there(const Feature& /*feature*/) {
  return {State::missing, "tried"};
}

bool has_sign(const Feature& /*feature*/) {
  return true;
}

bool has_no_sign(const Feature& /*feature*/) {
  return false;
}

}  // namespace

TEST_CASE("probe: every row of the host's features is whole, and its id is its own") {
  std::set<std::string_view> ids;
  for (const Feature& feature : probe::features()) {
    INFO(feature.id);
    CHECK(ids.insert(feature.id).second);
    CHECK(probe::find_feature(feature.id) == &feature);
    CHECK_FALSE(feature.what.empty());
    CHECK_FALSE(feature.without.empty());
    CHECK_FALSE(feature.remedy.empty());
    CHECK(feature.attempt != nullptr);
    CHECK(feature.id.starts_with("limit:") == (probe::find_limit(feature.id) != nullptr));
  }
  for (const probe::Limit& limit : probe::limits()) {
    CHECK(ids.contains(limit.id));
  }
  CHECK(probe::find_feature("no-such-thing") == nullptr);
  CHECK(probe::part_of(kExtra) == "part");
  CHECK(probe::part_of(kNeeded) == "needed");
}

TEST_CASE("probe: an attempt in a child brings back what it found") {
  const Finding found = probe::attempt_in(Place::child, [] {
    return Finding{State::limited, "two\nlines", "a remedy"};
  });
  CHECK(found.state == State::limited);
  CHECK(found.detail == "two\nlines");
  CHECK(found.remedy == "a remedy");
}

TEST_CASE("probe: an attempt that dies leaves its feature unknown") {
  const Finding found = probe::attempt_in(Place::child, []() -> Finding { ::_exit(0); });
  CHECK(found.state == State::unknown);
  const Finding killed = probe::attempt_in(Place::child, []() -> Finding {
    (void)::raise(SIGKILL);
    return {};
  });
  CHECK(killed.state == State::unknown);
}

TEST_CASE("probe: what an attempt in a child does to its process stays there") {
  const pid_t before = ::getpid();
  const Finding found = probe::attempt_in(Place::child, [before] {
    return Finding{::chdir("/proc") == 0 && ::getpid() != before ? State::present : State::missing};
  });
  CHECK(found.state == State::present);
  CHECK(::access("self/status", F_OK) != 0);
}

TEST_CASE("probe: a sign spares the attempt, its absence does not decide") {
  Feature feature = kNeeded;
  feature.attempt = not_there;
  feature.sign = has_sign;
  CHECK(probe::look_for(feature).finding.state == State::present);
  CHECK(probe::examine(feature).finding.state == State::missing);
  feature.sign = has_no_sign;
  CHECK(probe::look_for(feature).finding.state == State::missing);
  feature.attempt = there;
  CHECK(probe::look_for(feature).finding.state == State::present);
}

TEST_CASE("probe: a remedy is the finding's own, or else its row's, where one is needed") {
  CHECK(Verdict{&kExtra, {}}.remedy().empty());
  CHECK(Verdict{&kExtra, {State::missing}}.remedy() == "install it");
  CHECK(Verdict{&kExtra, {State::limited, "7", "raise it"}}.remedy() == "raise it");
}

TEST_CASE("probe: a host is ready when all that is required was seen") {
  CHECK(probe::is_ready({{&kNeeded, {}}, {&kExtra, {State::missing}}}));
  CHECK(probe::is_ready({{&kNeeded, {State::limited}}}));
  CHECK_FALSE(probe::is_ready({{&kNeeded, {State::missing}}, {&kExtra, {}}}));
  CHECK_FALSE(probe::is_ready({{&kNeeded, {State::unknown}}}));
}

TEST_CASE("probe: the report on a host") {
  const std::vector<Verdict> verdicts{{&kNeeded, {State::present, "version 2"}},
                                      {&kExtra, {State::missing, "no such device"}}};
  CHECK(report::host_text(verdicts, report::Style()) ==
        "FEATURE     STATE    NEEDED  WHAT           FOUND\n"
        "needed      present  yes     needed things  version 2\n"
        "extra:part  missing  -       extras         see below\n"
        "\n"
        "missing extra:part: extras\n"
        "  found: no such device\n"
        "  still works: the rest\n"
        "  remedy: install it\n"
        "\n"
        "1 present, 0 limited, 1 missing, 0 unknown: this host has what nslab itself needs\n");
  const auto json = report::host_json(verdicts);
  CHECK(json["ready"] == true);
  CHECK(json["features"][0]["remedy"] == "");
  CHECK(json["features"][1] == nlohmann::ordered_json{{"id", "extra:part"},
                                                      {"what", "extras"},
                                                      {"state", "missing"},
                                                      {"detail", "no such device"},
                                                      {"required", false},
                                                      {"still-works", "the rest"},
                                                      {"remedy", "install it"}});
}
