// The floor: what a lab costs when nothing but the kernel works. Makes the same
// objects as `nslab up`, by the cheapest calls known, without reading, checking,
// comparing or remembering anything. tools/bench drives it:
//
//   floor bare|full LAB DIRECTORY INIT [CGROUP]
//
// LAB is a description (lab.h), DIRECTORY the floor's own, to be made. "up" on standard
// input makes the lab and is answered by the seconds that it took; "down" removes it.
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <thread>

#include "lab.h"
#include "netlink.h"
#include "node.h"

namespace bench {
namespace {

constexpr int kFirstBridge = 1'000'000;
constexpr std::size_t kStackSize = 16384;
constexpr std::size_t kCablesAtOnce = 64;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void check(long result, const std::string& what) {
  if (result < 0) {
    fail(what);
  }
}

void make_directory(const std::string& path) {
  check(::mkdir(path.c_str(), 0755), "making " + path);
}

void mount_tmpfs(const std::string& path) {
  check(::mount("floor", path.c_str(), "tmpfs", 0, "mode=755"), "mounting " + path);
}

int open_own_netns() {
  const int fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  check(fd, "opening a network namespace");
  return fd;
}

struct Options {
  Kind kind;
  std::string directory;
  std::string init;
  std::string cgroup;
  std::string limits;  // a cgroup in the hierarchy of v1 that has pids; empty for none
};

class Floor {
 public:
  Floor(const Lab& lab, const Options& options) : lab_(lab), options_(options) {}

  // In the lab's first process: with its end the nodes end.
  void up() {
    prepare();
    make_nodes();
    open_netns();
    wire();
    in_parallel([this](std::size_t node) { configure(node); });
    name_all();
    wait_for_nodes();
  }

  void down(pid_t supervisor) {
    check(::kill(supervisor, SIGKILL), "ending the lab");
    check(::umount2(names().c_str(), MNT_DETACH), "unmounting the names");
    each_name(
        [](const std::string& name, int /*netns*/) { ::unlink(("/run/netns/" + name).c_str()); });
    check(::waitpid(supervisor, nullptr, 0), "waiting for the lab's end");
    if (options_.kind == Kind::full) {
      for (const Node& node : lab_.nodes) {
        remove_cgroup(options_.cgroup + "/" + node.name);
        if (!options_.limits.empty()) {
          remove_cgroup(options_.limits + "/" + node.name);
        }
      }
      if (!options_.limits.empty()) {
        remove_cgroup(options_.limits);
      }
      remove_cgroup(options_.cgroup);
      check(::umount2(options_.directory.c_str(), MNT_DETACH), "unmounting the lab");
    } else {
      ::rmdir(names().c_str());
    }
    check(::rmdir(options_.directory.c_str()), "removing the directory");
  }

 private:
  // Two at once are all that the kernel's locks allow.
  static constexpr int kThreads = 2;

  [[nodiscard]] std::string names() const { return options_.directory + "/names"; }

  [[nodiscard]] std::string own(const std::string& path) const {
    return options_.directory + "/" + path;
  }

  void remove_cgroup(const std::string& path) { check(::rmdir(path.c_str()), "removing " + path); }

  void prepare() {
    const std::size_t count = lab_.nodes.size();
    places_ = std::vector<Place>(count);
    pids_.resize(count);
    stacks_ = static_cast<char*>(::mmap(nullptr,
                                        count * kStackSize,
                                        PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                                        -1,
                                        0));
    check(stacks_ == MAP_FAILED ? -1 : 0, "getting stacks");
    make_directory(options_.directory);
    if (options_.kind == Kind::full) {
      mount_tmpfs(options_.directory);
      make_directory(own("base"));
      make_directory(own("base/etc"));
      make_directory(own("nodes"));
      std::ofstream(own("base/etc/hosts")) << lab_.hosts;
      std::ofstream(own("base/etc/resolv.conf")) << "# no name server\n";
      init_ = ::open(options_.init.c_str(), O_PATH | O_CLOEXEC);
      check(init_, "opening " + options_.init);
      make_directory(options_.cgroup);
      if (!options_.limits.empty()) {
        make_directory(options_.limits);
      }
    }
    make_directory(names());
  }

  template <typename Function>
  void in_parallel(Function function, void (*begin)() = nullptr) {
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        if (begin != nullptr) {
          begin();
        }
        for (std::size_t node = next++; node < lab_.nodes.size(); node = next++) {
          function(node);
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }

  // Nodes are cloned from a mount namespace that is private and has no names in it.
  static void leave_mounts() {
    check(::unshare(CLONE_FS | CLONE_NEWNS), "making a mount namespace");
    check(::mount("", "/", "", MS_REC | MS_PRIVATE, nullptr), "making mounts private");
  }

  void make_nodes() {
    in_parallel([this](std::size_t node) { make_one(node); }, leave_mounts);
  }

  void make_one(std::size_t number) {
    Place& place = places_[number];
    place.kind = options_.kind;
    place.progress = &progress_;
    place.hostname = lab_.nodes[number].name;
    if (options_.kind == Kind::full) {
      const std::string directory = own("nodes/" + place.hostname);
      place.upper = directory + "/upper";
      make_directory(directory);
      make_directory(place.upper);
      make_directory(directory + "/work");
      place.overlay = "lowerdir=" + own("base") + ":/,upperdir=" + place.upper +
                      ",workdir=" + directory + "/work";
      place.init = init_;
      const std::string cgroup = options_.cgroup + "/" + place.hostname;
      make_directory(cgroup);
      place.cgroup = ::open(cgroup.c_str(), O_PATH | O_CLOEXEC);
      check(place.cgroup, "opening " + cgroup);
      if (!options_.limits.empty()) {
        const std::string limited = options_.limits + "/" + place.hostname;
        make_directory(limited);
        limit_processes(limited);
        place.tasks = limited + "/tasks";
      }
    }
    pids_[number] = make_node(place, stacks_ + (number + 1) * kStackSize);
    if (pids_[number] < 0) {
      fail("making node " + place.hostname, -pids_[number]);
    }
    if (place.cgroup >= 0) {
      ::close(place.cgroup);
    }
  }

  // As many as a node of nslab may have where its lab says nothing.
  void limit_processes(const std::string& cgroup) {
    const std::string path = cgroup + "/pids.max";
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    check(file, "opening " + path);
    check(::write(file, "4096", 4) == 4 ? 0 : -1, "writing " + path);
    ::close(file);
  }

  // By a /proc of this PID namespace that is mounted nowhere.
  void open_netns() {
    const int context = static_cast<int>(::syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC));
    check(context, "opening proc");
    check(::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0),
          "making proc");
    const int proc = static_cast<int>(::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0));
    check(proc, "mounting proc");
    for (const pid_t pid : pids_) {
      const std::string path = std::to_string(pid) + "/ns/net";
      netns_.push_back(::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC));
      check(netns_.back(), "opening " + path);
    }
  }

  // One thread: the kernel makes one device at a time.
  void wire() {
    const int home = open_own_netns();
    if (!lab_.bridges.empty()) {
      check(::unshare(CLONE_NEWNET), "making the namespace of bridges");
      switch_ = open_own_netns();
      std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << 1;
    }
    Socket socket;
    Messages messages;
    for (std::size_t i = 0; i < lab_.bridges.size(); ++i) {
      bridges_[lab_.bridges[i]] = kFirstBridge + static_cast<int>(i);
      add_bridge(messages, lab_.bridges[i], kFirstBridge + static_cast<int>(i));
    }
    socket.send(messages, "making bridges");
    for (std::size_t i = 0; i < lab_.cables.size(); ++i) {
      add_cable(messages, lab_.cables[i]);
      if (i % kCablesAtOnce == kCablesAtOnce - 1) {
        socket.send(messages, "making cables");
      }
    }
    socket.send(messages, "making cables");
    check(::setns(home, CLONE_NEWNET), "returning");
    ::close(home);
  }

  static void add_bridge(Messages& messages, const std::string& name, int index) {
    messages.begin(RTM_NEWLINK,
                   NLM_F_CREATE | NLM_F_EXCL,
                   ifinfomsg{.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
    messages.add(IFLA_IFNAME, name);
    const std::size_t info = messages.open(IFLA_LINKINFO);
    messages.add(IFLA_INFO_KIND, std::string("bridge"));
    const std::size_t data = messages.open(IFLA_INFO_DATA);
    messages.add(IFLA_BR_FORWARD_DELAY, 0);
    messages.add_byte(IFLA_BR_MCAST_SNOOPING, 0);
    messages.close(data);
    messages.close(info);
    messages.end();
  }

  void add_cable(Messages& messages, const Cable& cable) {
    const auto end_of = [&](const Interface& interface) {
      return End{.name = interface.name,
                 .mac = interface.mac,
                 .netns = netns_[interface.node],
                 .index = interface.index};
    };
    if (cable.bridge.empty()) {
      add_veth(messages, end_of(cable.a), end_of(cable.b), false);
    } else {
      const End port{.name = cable.b.name, .mac = cable.b.mac, .bridge = bridges_[cable.bridge]};
      add_veth(messages, port, end_of(cable.a), true);
    }
  }

  static void add_link_up(Messages& messages, int index, bool forwards) {
    if (index > 1) {
      messages.begin(RTM_SETLINK, 0, ifinfomsg{.ifi_index = index});
      const std::size_t families = messages.open(IFLA_AF_SPEC);
      const std::size_t v6 = messages.open(AF_INET6);
      messages.add_byte(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
      messages.close(v6);
      if (forwards) {
        const std::size_t v4 = messages.open(AF_INET);
        const std::size_t settings = messages.open(IFLA_INET_CONF);
        messages.add(1 /* IPV4_DEVCONF_FORWARDING */, 1);
        messages.close(settings);
        messages.close(v4);
      }
      messages.close(families);
      messages.end();
    }
    messages.begin(
        RTM_SETLINK, 0, ifinfomsg{.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
    messages.end();
  }

  static void add_address(Messages& messages, const Address& address) {
    messages.begin(RTM_NEWADDR,
                   NLM_F_CREATE | NLM_F_EXCL,
                   ifaddrmsg{.ifa_family = AF_INET,
                             .ifa_prefixlen = address.length,
                             .ifa_index = static_cast<unsigned>(address.index)});
    messages.add(IFA_LOCAL, address.address);
    messages.add(IFA_ADDRESS, address.address);
    messages.end();
  }

  static void add_route(Messages& messages, const Route& route) {
    messages.begin(RTM_NEWROUTE,
                   NLM_F_CREATE | NLM_F_EXCL,
                   rtmsg{.rtm_family = AF_INET,
                         .rtm_dst_len = route.length,
                         .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = RT_SCOPE_UNIVERSE,
                         .rtm_type = RTN_UNICAST});
    if (route.length > 0) {
      messages.add(RTA_DST, route.to);
    }
    messages.add(RTA_GATEWAY, route.via);
    if (route.metric > 0) {
      messages.add(RTA_PRIORITY, route.metric);
    }
    messages.end();
  }

  void configure(std::size_t node) {
    check(::setns(netns_[node], CLONE_NEWNET), "entering a network namespace");
    Socket socket;
    Messages messages;
    add_link_up(messages, 1, false);
    for (const int index : lab_.interfaces[node]) {
      add_link_up(messages, index, lab_.nodes[node].forwards);
    }
    for (const Address& address : lab_.addresses[node]) {
      add_address(messages, address);
    }
    for (const Route& route : lab_.routes[node]) {
      add_route(messages, route);
    }
    socket.send(messages, "configuring a node");
  }

  // With the file descriptor of its namespace, where it is open in this process.
  template <typename Function>
  void each_name(Function function) const {
    for (std::size_t i = 0; i < lab_.nodes.size(); ++i) {
      function("floor." + lab_.nodes[i].name, i < netns_.size() ? netns_[i] : -1);
    }
    if (!lab_.bridges.empty()) {
      function("floor", switch_);
    }
  }

  // On one tmpfs, so that one unmount takes them all.
  void name_all() {
    mount_tmpfs(names());
    check(::mount("", names().c_str(), "", MS_PRIVATE, nullptr), "making the names private");
    ::mkdir("/run/netns", 0755);
    each_name([&](const std::string& name, int netns) {
      const std::string path = names() + "/" + name;
      const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0444);
      check(file, "making " + path);
      ::close(file);
      const std::string source = "/proc/self/fd/" + std::to_string(netns);
      check(::mount(source.c_str(), path.c_str(), "", MS_BIND, nullptr), "naming " + name);
      check(::symlink(path.c_str(), ("/run/netns/" + name).c_str()), "linking " + name);
    });
  }

  void wait_for_nodes() {
    const int count = static_cast<int>(lab_.nodes.size());
    for (int ready = progress_.ready; options_.kind == Kind::bare && ready < count;
         ready = progress_.ready) {
      ::syscall(SYS_futex, &progress_.ready, FUTEX_WAIT, ready, nullptr, nullptr, 0);
    }
    for (Place& place : places_) {
      volatile pid_t* alive = &place.alive;
      while (options_.kind == Kind::full && *alive != 0) {
        ::syscall(SYS_futex, &place.alive, FUTEX_WAIT, 1, nullptr, nullptr, 0);
      }
    }
    if (progress_.error != 0) {
      fail("step " + std::to_string(progress_.step) + " of a node", progress_.error);
    }
  }

  const Lab& lab_;
  const Options& options_;
  Progress progress_;
  std::vector<Place> places_;
  std::vector<pid_t> pids_;
  std::vector<int> netns_;
  std::unordered_map<std::string, int> bridges_;
  char* stacks_ = nullptr;
  int init_ = -1;
  int switch_ = -1;
};

// PID 1 of the lab's own PID namespace.
pid_t start_supervisor(Floor& floor, int report) {
  check(::unshare(CLONE_NEWPID), "making a PID namespace");
  const pid_t pid = ::fork();
  check(pid, "forking");
  if (pid == 0) {
    floor.up();
    check(::write(report, "u", 1), "reporting");
    for (;;) {
      ::pause();
    }
  }
  return pid;
}

std::string next_word() {
  std::string word;
  std::getline(std::cin, word);
  return word;
}

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: floor bare|full LAB DIRECTORY INIT [CGROUP]\n";
    return 2;
  }
  const rlimit files{1U << 18U, 1U << 18U};
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  const Lab lab = Lab::read(argv[2]);
  const Options options{.kind = std::string(argv[1]) == "full" ? Kind::full : Kind::bare,
                        .directory = argv[3],
                        .init = argv[4],
                        .cgroup = argc > 5 ? argv[5] : "",
                        .limits = argc > 6 ? argv[6] : ""};
  Floor floor(lab, options);
  std::array<int, 2> report{};
  check(::pipe2(report.data(), O_CLOEXEC), "making a pipe");
  if (next_word() != "up") {
    return 2;
  }
  double begin = now();
  const pid_t supervisor = start_supervisor(floor, report[1]);
  ::close(report[1]);
  char byte = 0;
  if (::read(report[0], &byte, 1) != 1) {
    return 1;
  }
  std::cout << now() - begin << std::endl;
  if (next_word() != "down") {
    ::kill(supervisor, SIGKILL);
    return 2;
  }
  begin = now();
  floor.down(supervisor);
  std::cout << now() - begin << std::endl;
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::main(argc, argv);
}
