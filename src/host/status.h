// The live side of a lab, for `nslab status`: what no lab file asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace nslab::host {

struct ServiceStatus {
  std::string name;
  std::string state;  // starting, running, ready, backoff, exited, failed, stopping
  int pid = 0;        // as the host sees it; 0 when none
  std::uint64_t restarts = 0;
  std::optional<int> exit_code;
  std::optional<int> exit_signal;
};

struct NodeStatus {
  std::string name;
  std::string hostname;
  int init_pid = 0;                    // 0: the node is down
  bool hangs = false;                  // its init does not answer
  std::vector<std::string> addresses;  // "eth0 10.10.1.2/24"
  std::vector<ServiceStatus> services;
  std::uint64_t processes = 0;
  std::optional<std::uint64_t> pids;  // processes and threads, where they are limited
  std::optional<std::uint64_t> pids_limit;
  std::optional<std::uint64_t> memory;        // bytes in use
  std::optional<std::uint64_t> memory_limit;  // bytes
  std::optional<std::chrono::microseconds> cpu_time;
  std::uint64_t oom_kills = 0;  // processes that the memory limit killed
};

struct CableEnd {
  std::string node;  // empty for a port of a subnet's bridge
  std::string interface;
  bool carrier = false;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};

struct CableStatus {
  CableEnd a;
  CableEnd b;
  std::string subnet;  // the bridge that b is a port of; empty for a link
};

struct LabStatus {
  std::uint64_t layers_used = 0;                // bytes
  std::optional<std::uint64_t> layers_limit{};  // bytes
  std::vector<NodeStatus> nodes;
  std::vector<CableStatus> cables;
};

}  // namespace nslab::host
