#include "probe/limits.h"

#include <linux/capability.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "kernel/netlink.h"
#include "kernel/sysctl.h"
#include "probe/attempts.h"

namespace nslab::probe {
namespace {

std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> read_sysctl(const Limit& limit) {
  return number_in(kernel::sysctl_path(limit.key));
}

// As nslab itself has it once it has raised it as far as it may.
std::optional<std::uint64_t> read_open_files(const Limit& /*limit*/) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::nullopt;
  }
  return limit.rlim_max;
}

// The neighbour tables are the kernel's, not a namespace's; the sysctl shows in
// the first network namespace only, netlink tells it in every one.
std::optional<std::uint64_t> read_neighbours(const Limit& limit) {
  auto socket = kernel::Socket::open();
  if (!socket) {
    return std::nullopt;
  }
  const std::string_view table = limit.id.ends_with("6") ? "ndisc_cache" : "arp_cache";
  kernel::Message request(RTM_GETNEIGHTBL, 0);
  request.put_header(ndtmsg{});
  std::optional<std::uint64_t> most;
  const auto dumped =
      socket->dump(request, "reading the neighbour tables", [&](const nlmsghdr& message) {
        const kernel::Attributes attributes(message, sizeof(ndtmsg), NDTA_MAX);
        if (attributes.string(NDTA_NAME) == table && attributes.find(NDTA_THRESH3) != nullptr) {
          most = attributes.u32(NDTA_THRESH3);
        }
      });
  return dumped ? most : std::nullopt;
}

constexpr std::array kLimits{
    Limit{"limit:net-namespaces", "user.max_net_namespaces", 1001, read_sysctl},
    Limit{"limit:pid-namespaces", "user.max_pid_namespaces", 1001, read_sysctl},
    Limit{"limit:mnt-namespaces", "user.max_mnt_namespaces", 1001, read_sysctl},
    Limit{"limit:uts-namespaces", "user.max_uts_namespaces", 1000, read_sysctl},
    Limit{"limit:ipc-namespaces", "user.max_ipc_namespaces", 1000, read_sysctl},
    Limit{"limit:cgroup-namespaces", "user.max_cgroup_namespaces", 1000, read_sysctl},
    Limit{"limit:user-namespaces", "user.max_user_namespaces", 1000, read_sysctl},
    Limit{"limit:time-namespaces", "user.max_time_namespaces", 1000, read_sysctl},
    Limit{"limit:process-numbers", "kernel.pid_max", 8000, read_sysctl},
    Limit{"limit:threads", "kernel.threads-max", 8000, read_sysctl},
    Limit{"limit:open-files", "RLIMIT_NOFILE", 1024, read_open_files},
    Limit{"limit:neighbours-ipv4", "net.ipv4.neigh.default.gc_thresh3", 2000, read_neighbours},
    Limit{"limit:neighbours-ipv6", "net.ipv6.neigh.default.gc_thresh3", 2000, read_neighbours},
    Limit{"limit:inotify-instances", "fs.inotify.max_user_instances", 1000, read_sysctl},
    Limit{"limit:inotify-watches", "fs.inotify.max_user_watches", 8192, read_sysctl}};

}  // namespace

std::span<const Limit> limits() {
  return kLimits;
}

const Limit* find_limit(std::string_view id) {
  const auto* found = std::ranges::find(kLimits, id, &Limit::id);
  return found == kLimits.end() ? nullptr : found;
}

std::string how_to_raise(const Limit& limit, std::uint64_t wanted) {
  const std::string number = std::to_string(wanted);
  if (limit.key == "RLIMIT_NOFILE") {
    const bool may = ::prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE) == 1;
    return "ulimit -Hn " + number +
           (may ? "  # in the shell that starts nslab"
                : "  # where root has CAP_SYS_RESOURCE, which this one lacks; a container is "
                  "started "
                  "with --ulimit nofile=" +
                      number);
  }
  return "sysctl -w " + std::string(limit.key) + "=" + number;
}

Finding judge_limit(const Feature& feature) {
  const Limit& limit = *find_limit(feature.id);
  const auto value = limit.read(limit);
  if (!value) {
    return {State::unknown, std::string(limit.key) + " cannot be read"};
  }
  const State state = *value == 0             ? State::missing
                      : *value < limit.enough ? State::limited
                                              : State::present;
  return {state,
          std::string(limit.key) + " = " + std::to_string(*value),
          how_to_raise(limit, limit.enough * 4)};
}

}  // namespace nslab::probe
