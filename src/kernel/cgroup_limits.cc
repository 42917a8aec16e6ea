#include "kernel/cgroup_limits.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "base/text.h"
#include "kernel/cgroup_files.h"

namespace nslab::kernel {

namespace {

using cgroup_files::contains;
using cgroup_files::keyed_number;
using cgroup_files::number;
using cgroup_files::read;
using cgroup_files::write;

constexpr std::uint64_t kUsualWeight = 100;
constexpr std::uint64_t kUsualShares = 1024;  // of v1: the same as that weight
// v1 has no word for "no limit" of memory, but a number near 2^63.
constexpr std::uint64_t kNoMemoryLimit = std::uint64_t{1} << 62;

std::string or_max(const std::optional<std::uint64_t>& value) {
  return value ? std::to_string(*value) : "max";
}

std::string trimmed(const std::string& path) {
  auto content = read(path);
  if (!content) {
    return {};
  }
  content->erase(content->find_last_not_of(" \n") + 1);
  return *std::move(content);
}

bool memory_limited(const Limits& limits) {
  return limits.memory || limits.swap;
}

Result<void> write_memory_v2(const std::string& directory, const Limits& limits) {
  NSLAB_TRY(write(directory + "/memory.max", or_max(limits.memory)));
  const std::string swap = directory + "/memory.swap.max";
  if (!limits.swap && !cgroup_files::exists(swap)) {
    return {};
  }
  return write(swap, or_max(limits.swap));
}

void read_memory_v2(const std::string& directory, Limits& limits) {
  limits.memory = number(directory + "/memory.max");
  limits.swap = number(directory + "/memory.swap.max");
}

// v1 limits the sum of memory and swap, and never lets it be under memory alone.
Result<void> write_memory_v1(const std::string& directory, const Limits& limits) {
  const std::string sum = directory + "/memory.memsw.limit_in_bytes";
  if (limits.swap && !limits.memory) {
    return Error{.kind = ErrorKind::missing,
                 .message = "cgroup v1 cannot limit swap without memory"};
  }
  if (limits.swap || cgroup_files::exists(sum)) {
    NSLAB_TRY(write(sum, "-1"));
  }
  NSLAB_TRY(write(directory + "/memory.limit_in_bytes",
                  limits.memory ? std::to_string(*limits.memory) : "-1"));
  if (limits.swap) {
    return write(sum, std::to_string(*limits.memory + *limits.swap));
  }
  return {};
}

void read_memory_v1(const std::string& directory, Limits& limits) {
  const auto memory = number(directory + "/memory.limit_in_bytes");
  const auto sum = number(directory + "/memory.memsw.limit_in_bytes");
  if (memory && *memory < kNoMemoryLimit) {
    limits.memory = memory;
    if (sum && *sum < kNoMemoryLimit) {
      limits.swap = *sum - *memory;
    }
  }
}

bool cpu_limited(const Limits& limits) {
  return limits.cpu_millis || limits.cpu_weight;
}

// The CPU time that a cgroup may use in each period, both in microseconds. The
// kernel takes no time under a millisecond, so small shares need long periods.
struct Quota {
  std::uint64_t time = 0;
  std::uint64_t period = 100'000;
};

Quota quota_of(std::uint64_t cpu_millis) {
  const std::uint64_t period = cpu_millis < 10 ? 1'000'000 : 100'000;
  return {.time = cpu_millis * period / 1000, .period = period};
}

Result<void> write_cpu_v2(const std::string& directory, const Limits& limits) {
  const Quota quota = limits.cpu_millis ? quota_of(*limits.cpu_millis) : Quota{};
  const std::string time = limits.cpu_millis ? std::to_string(quota.time) : "max";
  NSLAB_TRY(write(directory + "/cpu.max", time + " " + std::to_string(quota.period)));
  return write(directory + "/cpu.weight", std::to_string(limits.cpu_weight.value_or(kUsualWeight)));
}

void read_cpu_v2(const std::string& directory, Limits& limits) {
  const std::string quota = trimmed(directory + "/cpu.max");
  const std::vector<std::string_view> parts = split(quota, ' ');
  Quota value;
  const auto parse = [](std::string_view text, std::uint64_t& into) {
    return std::from_chars(text.data(), text.data() + text.size(), into).ec == std::errc{};
  };
  if (parts.size() == 2 && parse(parts[0], value.time) && parse(parts[1], value.period)) {
    limits.cpu_millis = value.time * 1000 / value.period;
  }
  limits.cpu_weight = number(directory + "/cpu.weight");
}

Result<void> write_cpu_v1(const std::string& directory, const Limits& limits) {
  const Quota quota = limits.cpu_millis ? quota_of(*limits.cpu_millis) : Quota{};
  NSLAB_TRY(write(directory + "/cpu.cfs_quota_us", "-1"));
  NSLAB_TRY(write(directory + "/cpu.cfs_period_us", std::to_string(quota.period)));
  if (limits.cpu_millis) {
    NSLAB_TRY(write(directory + "/cpu.cfs_quota_us", std::to_string(quota.time)));
  }
  const std::uint64_t weight = limits.cpu_weight.value_or(kUsualWeight);
  return write(directory + "/cpu.shares",
               std::to_string((weight * kUsualShares + kUsualWeight / 2) / kUsualWeight));
}

void read_cpu_v1(const std::string& directory, Limits& limits) {
  const auto time = number(directory + "/cpu.cfs_quota_us");  // -1 is no number of ours
  const auto period = number(directory + "/cpu.cfs_period_us");
  if (time && period && *period > 0) {
    limits.cpu_millis = *time * 1000 / *period;
  }
  if (const auto shares = number(directory + "/cpu.shares")) {
    limits.cpu_weight = (*shares * kUsualWeight + kUsualShares / 2) / kUsualShares;
  }
}

bool cpuset_limited(const Limits& limits) {
  return !limits.cpuset.empty();
}

std::string parent_of(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

std::uint32_t last_cpu() {
  return static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF)) - 1;
}

Result<void> write_cpuset_v2(const std::string& directory, const Limits& limits) {
  const std::string file = directory + "/cpuset.cpus";
  if (!limits.cpuset.empty()) {
    return write(file, limits.cpuset);
  }
  auto lifted = write(file, "\n");
  // Before 6.4 no list may become empty once processes are there. Every CPU is the
  // same: what the cgroups above do not have is left out by the kernel.
  if (!lifted && lifted.error().os_error == ENOSPC) {
    return write(file, "0-" + std::to_string(last_cpu()));
  }
  return lifted;
}

void read_cpuset_v2(const std::string& directory, Limits& limits) {
  limits.cpuset = trimmed(directory + "/cpuset.cpus");
}

// v1 has no "as the parent", only the parent's CPUs by number.
Result<void> write_cpuset_v1(const std::string& directory, const Limits& limits) {
  return write(
      directory + "/cpuset.cpus",
      limits.cpuset.empty() ? trimmed(parent_of(directory) + "/cpuset.cpus") : limits.cpuset);
}

void read_cpuset_v1(const std::string& directory, Limits& limits) {
  const std::string cpus = trimmed(directory + "/cpuset.cpus");
  limits.cpuset = cpus == trimmed(parent_of(directory) + "/cpuset.cpus") ? "" : cpus;
}

bool pids_limited(const Limits& limits) {
  return limits.pids.has_value();
}

Result<void> write_pids(const std::string& directory, const Limits& limits) {
  return write(directory + "/pids.max", or_max(limits.pids));
}

void read_pids(const std::string& directory, Limits& limits) {
  limits.pids = number(directory + "/pids.max");
}

using CpuRange = std::pair<std::uint32_t, std::uint32_t>;

// "3,0-1" as ranges; nothing for what is no such list.
std::optional<std::vector<CpuRange>> parse_cpus(std::string_view text) {
  std::vector<CpuRange> ranges;
  for (const std::string_view part : split(text, ',')) {
    const char* end = part.data() + part.size();
    CpuRange range;
    auto [stop, error] = std::from_chars(part.data(), end, range.first);
    range.second = range.first;
    if (error == std::errc{} && stop != end && *stop == '-') {
      const auto last = std::from_chars(stop + 1, end, range.second);
      stop = last.ptr;
      error = last.ec;
    }
    if (error != std::errc{} || stop != end || range.second < range.first) {
      return std::nullopt;
    }
    ranges.push_back(range);
  }
  return ranges;
}

std::string canonical_cpus(const std::string& text) {
  auto ranges = parse_cpus(text);
  if (!ranges) {
    return text;
  }
  std::sort(ranges->begin(), ranges->end());
  std::vector<CpuRange> merged;
  for (const CpuRange& range : *ranges) {
    if (!merged.empty() && range.first <= merged.back().second + 1) {
      merged.back().second = std::max(merged.back().second, range.second);
    } else {
      merged.push_back(range);
    }
  }
  if (merged.front().first == 0 && merged.front().second >= last_cpu()) {
    return {};
  }
  std::string canonical;
  for (const auto& [first, last] : merged) {
    canonical += (canonical.empty() ? "" : ",") + std::to_string(first);
    canonical += last == first ? "" : "-" + std::to_string(last);
  }
  return canonical;
}

void round_to_pages(std::optional<std::uint64_t>& bytes) {
  if (bytes) {
    *bytes -= *bytes % static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
}

template <typename Value>
void take_if_told(std::optional<Value>& into, const std::optional<std::uint64_t>& told) {
  if (told) {
    into = Value(*told);
  }
}

}  // namespace

Limits canonical(Limits limits) {
  round_to_pages(limits.memory);
  round_to_pages(limits.swap);
  if (limits.cpu_weight == kUsualWeight) {
    limits.cpu_weight.reset();
  }
  limits.cpuset = canonical_cpus(limits.cpuset);
  return limits;
}

std::string cpus_of_host() {
  return trimmed("/sys/devices/system/cpu/online");
}

bool has_cpus(const std::string& cpuset) {
  const auto asked = cpuset.empty() ? std::nullopt : parse_cpus(cpuset);
  const auto there = parse_cpus(cpus_of_host());
  return !asked || !there || std::ranges::all_of(*asked, [&](const CpuRange& range) {
    return std::ranges::any_of(*there, [&](const CpuRange& each) {
      return each.first <= range.first && range.second <= each.second;
    });
  });
}

namespace cgroup_limits {

const std::array<Controller, 4> kControllers{{
    {"memory",
     memory_limited,
     {.write = write_memory_v1, .read = read_memory_v1},
     {.write = write_memory_v2, .read = read_memory_v2}},
    {"cpu",
     cpu_limited,
     {.write = write_cpu_v1, .read = read_cpu_v1},
     {.write = write_cpu_v2, .read = read_cpu_v2}},
    {"cpuset",
     cpuset_limited,
     {.write = write_cpuset_v1, .read = read_cpuset_v1},
     {.write = write_cpuset_v2, .read = read_cpuset_v2}},
    {"pids",
     pids_limited,
     {.write = write_pids, .read = read_pids},
     {.write = write_pids, .read = read_pids}},
}};

Result<void> inherit_cpuset(const std::string& directory) {
  for (const std::string_view file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const std::string own = directory + std::string{file};
    if (trimmed(own).empty()) {
      NSLAB_TRY(write(own, trimmed(parent_of(directory) + std::string{file})));
    }
  }
  return {};
}

void add_usage_v1(const std::string& directory,
                  const std::vector<std::string>& controllers,
                  Usage& usage) {
  if (contains(controllers, "memory")) {
    take_if_told(usage.memory, number(directory + "/memory.usage_in_bytes"));
    take_if_told(usage.memory_peak, number(directory + "/memory.max_usage_in_bytes"));
    usage.oom_kills += keyed_number(directory + "/memory.oom_control", "oom_kill").value_or(0);
  }
  if (contains(controllers, "pids")) {
    take_if_told(usage.pids, number(directory + "/pids.current"));
  }
  if (contains(controllers, "cpuacct")) {
    if (const auto nanoseconds = number(directory + "/cpuacct.usage")) {
      usage.cpu_time = std::chrono::microseconds(*nanoseconds / 1000);
    }
  }
}

void add_usage_v2(const std::string& directory,
                  const std::vector<std::string>& controllers,
                  Usage& usage) {
  if (contains(controllers, "memory")) {
    take_if_told(usage.memory, number(directory + "/memory.current"));
    take_if_told(usage.memory_peak, number(directory + "/memory.peak"));
    usage.oom_kills += keyed_number(directory + "/memory.events", "oom_kill").value_or(0);
  }
  if (contains(controllers, "pids")) {
    take_if_told(usage.pids, number(directory + "/pids.current"));
  }
  // Counted without any controller.
  take_if_told(usage.cpu_time, keyed_number(directory + "/cpu.stat", "usage_usec"));
}

}  // namespace cgroup_limits

}  // namespace nslab::kernel
