#include "topology/scalar.h"

#include <catch2/catch.hpp>

#include "topology/grammar.h"

namespace nslab::topology {

using namespace std::chrono_literals;

TEST_CASE("scalar: numbers are decimal and plain") {
  CHECK(PidLimit::parse("64") == 64);
  CHECK(Metric::parse("0") == 0);
  CHECK(Metric::parse("4294967295") == 4294967295);
  for (const char* text : {"",
                           "010",
                           "0x1F",
                           "0o17",
                           "+5",
                           "-5",
                           "1_000",
                           " 5",
                           "5 ",
                           "5.0",
                           "1e3",
                           "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(Metric::parse(text));
  }
}

TEST_CASE("scalar: sizes carry their unit, in powers of 1024") {
  CHECK(Size::parse("64M") == 64ULL << 20U);
  CHECK(Size::parse("0M") == 0);
  CHECK(Size::parse("1T") == 1ULL << 40U);
  for (const char* text : {"64", "64m", "64MB", "64MiB", "1.5G", "M", "-1M", "010M", "99999999T"}) {
    INFO(text);
    CHECK_FALSE(Size::parse(text));
  }
  CHECK_FALSE(MemorySize::parse("1023K"));
  CHECK(MemorySize::parse("1024K") == 1ULL << 20U);
}

TEST_CASE("scalar: times carry their unit") {
  CHECK(Duration::parse("10ms") == 10ms);
  CHECK(Duration::parse("2m") == 2min);
  CHECK(Duration::parse("7d") == 168h);
  CHECK(ClockOffset::parse("-10s") == -10s);
  for (const char* text : {"10", "10sec", "1.5s", "-1s", "s", "1h30m", "99999999999d"}) {
    INFO(text);
    CHECK_FALSE(Duration::parse(text));
  }
  CHECK_FALSE(ClockOffset::parse("500ms"));
}

TEST_CASE("scalar: CPUs have at most three decimals") {
  CHECK(Cpus::parse("0.5") == 500);
  CHECK(Cpus::parse("2") == 2000);
  CHECK(Cpus::parse("1.25") == 1250);
  CHECK(Cpus::parse("0.001") == 1);
  for (const char* text : {"0", "0.0", ".5", "1.", "0.0005", "-1", "1,5", "1e3", "100000"}) {
    INFO(text);
    CHECK_FALSE(Cpus::parse(text));
  }
}

TEST_CASE("scalar: names fit where they go") {
  CHECK(InterfaceName::parse("eth0.100"));
  CHECK_FALSE(InterfaceName::parse("sixteen-letters-"));
  CHECK_FALSE(InterfaceName::parse("a/b"));
  CHECK_FALSE(InterfaceName::parse("lo"));
  CHECK(Name::parse("web_1"));
  CHECK_FALSE(Name::parse("1web"));
  CHECK_FALSE(Name::parse("web.1"));
  CHECK_FALSE(Name::parse("@switch"));
  CHECK_FALSE(LabName::parse("Web"));
  CHECK(HostName::parse("web-01.example.org"));
  CHECK_FALSE(HostName::parse("-web"));
  CHECK_FALSE(HostName::parse("web..org"));
  CHECK_FALSE(HostName::parse(std::string(65, 'a')));
}

TEST_CASE("scalar: only sysctls of a node's own namespaces") {
  CHECK(SysctlName::parse("net.ipv4.ip_forward"));
  CHECK(SysctlName::parse("net.ipv4.conf.eth0/100.rp_filter"));
  CHECK(SysctlName::parse("kernel.msgmax"));
  CHECK(SysctlName::parse("kernel.sem"));
  CHECK(SysctlName::parse("fs.mqueue.queues_max"));
  for (const char* text : {"vm.swappiness",
                           "kernel.panic",
                           "kernel.semaphore",
                           "net.",
                           "net.ipv4..ip_forward",
                           "net.../../kernel.panic",
                           "net/ipv4/ip_forward"}) {
    INFO(text);
    CHECK_FALSE(SysctlName::parse(text));
  }
}

TEST_CASE("scalar: paths in a node are absolute and plain") {
  CHECK(NodePath::parse("/etc/motd"));
  CHECK(NodePath::parse("/..a/.b"));
  CHECK(NodeDirectory::parse("/"));
  CHECK_FALSE(NodePath::parse("/"));
  for (const char* text : {"", "/", "etc", "/etc/", "//etc", "/a/../b", "/a/.", "/.."}) {
    INFO(text);
    CHECK_FALSE(NodePath::parse(text));
  }
}

TEST_CASE("scalar: modes are octal, sets of CPUs are in order") {
  CHECK(FileMode::parse("0755") == 0755);
  CHECK(FileMode::parse("644") == 0644);
  CHECK(FileMode::parse("4755") == 04755);
  CHECK_FALSE(FileMode::parse("0o644"));
  CHECK_FALSE(FileMode::parse("888"));
  CHECK_FALSE(FileMode::parse("10644"));
  CHECK(CpuSet::parse("0-1,3"));
  CHECK_FALSE(CpuSet::parse("0-"));
  CHECK_FALSE(CpuSet::parse("1-0"));
  CHECK_FALSE(CpuSet::parse("0,,1"));
}

TEST_CASE("scalar: ends of links and shared namespaces name nodes") {
  const auto end = End::parse("web:eth0");
  REQUIRE(end);
  CHECK(end->node == "web");
  CHECK(end->interface == "eth0");
  CHECK_FALSE(End::parse("web"));
  CHECK_FALSE(End::parse("web:"));
  CHECK_FALSE(End::parse("web:eth0:1"));
  CHECK(Namespace::parse("node:web")->of == "web");
  CHECK_FALSE(Namespace::parse("node:"));
}

TEST_CASE("scalar: what YAML reads as a number or a truth value") {
  for (const char* text :
       {"1", "-1", "+1.5", "1e3", "1.5E-3", ".5", "5.", "0x1F", "0o17", "true"}) {
    INFO(text);
    CHECK(reads_as_number(text));
  }
  for (const char* text :
       {"", "a", "1a", "1.2.3", "10.0.0.1", "-", ".", "e3", "1e", "yes", "1:2"}) {
    INFO(text);
    CHECK_FALSE(reads_as_number(text));
  }
}

}  // namespace nslab::topology
