// Where things of a lab are on the host. All names that nslab gives to what
// others can see are made here.
//
//   STATE/LAB/                 a tmpfs, "nslab:LAB" in the mount table: marks, which
//                              have room whatever nodes write
//     .going                   there once the lab is being taken away
//     .made-by                 whose lab it is, and where its cgroup is: made_by.h
//     ns/NAME                  network namespaces, bind mounts in a tmpfs of their
//                              own, so that one unmount takes all names away
//     ns/user:NODE             user namespaces, likewise
//     ns/left:INODE:NODE       network namespaces that nodes were in before they started
//                              again: as long as a process of somebody else is in one
//     ids/NODE                 the ids of the host behind its user namespace: no other
//                              lab takes them. It has them again until the lab goes
//     limits/NODE              its limits as they were asked for: the kernel rounds
//     graceful/NODE:SERVICE    there for a service that wants its stop signal before its
//                              node goes: how long it may take, in ms
//     base/etc/hosts           what every node sees below its own layer
//     own/NODE/etc/hosts       the same for a node whose own name has no address there
//     nodes/NODE/ground        what its layers are over, and whose they are
//     nodes/NODE/laid          the files in them that the lab file put there
//     nodes/NODE/init.sock     where its init listens
//     layers/NODE/upper, work  its writable layer, which a restart keeps, on a tmpfs of the
//                              size that the lab allows
//     layers/NODE/layer-HASH   likewise, over a further file system of its root
//     layers-size              that size as it was asked for
//     log/NODE/SERVICE.log     what its services print
//     log/NODE/@setup.log      what its setup commands print
//     log/NODE/@syslog.log     what its programs tell syslog(3)
//     sysctl/NODE:KEY          the value that a sysctl of its network namespace had before
//     shown/NODE:KEY           what was written to a sysctl, and what the kernel made of it
//     ipc/NODE:KEY             likewise, of its IPC namespace, with which it is forgotten
//   /run/netns/LAB.NODE        a symbolic link to ns/NODE: where `ip netns` looks
//   /run/netns/LAB             likewise, to the lab's switch namespace
//   CGROUP/nslab/LAB/NODE      in each cgroup hierarchy that is needed
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace nslab::host {

class Layout {
 public:
  Layout(std::string state_dir, std::string lab)
      : state_dir_(std::move(state_dir)), lab_(std::move(lab)) {}

  [[nodiscard]] const std::string& lab() const { return lab_; }

  [[nodiscard]] const std::string& state_dir() const { return state_dir_; }

  [[nodiscard]] std::string lab_dir() const { return state_dir_ + "/" + lab_; }

  [[nodiscard]] std::string going_mark() const { return lab_dir() + "/.going"; }

  // What the lab's mounts are called in the mount table: their mark.
  [[nodiscard]] std::string mount_source() const { return "nslab:" + lab_; }

  [[nodiscard]] std::string ns_dir() const { return lab_dir() + "/ns"; }

  [[nodiscard]] std::string netns(std::string_view name) const {
    return ns_dir() + "/" + std::string(name);
  }

  [[nodiscard]] std::string userns(std::string_view node) const {
    return ns_dir() + "/user:" + std::string(node);
  }

  [[nodiscard]] std::string ids_dir() const { return lab_dir() + "/ids"; }

  [[nodiscard]] std::string ids_file(std::string_view node) const {
    return ids_dir() + "/" + std::string(node);
  }

  [[nodiscard]] std::string limits_dir() const { return lab_dir() + "/limits"; }

  [[nodiscard]] std::string limits_file(std::string_view node) const {
    return limits_dir() + "/" + std::string(node);
  }

  // Whether that file is there.
  [[nodiscard]] bool is_limited(std::string_view node) const;

  [[nodiscard]] std::string graceful_dir() const { return lab_dir() + "/graceful"; }

  [[nodiscard]] std::string base_dir() const { return lab_dir() + "/base"; }

  [[nodiscard]] std::string own_dir() const { return lab_dir() + "/own"; }

  // What this node alone sees, above base_dir().
  [[nodiscard]] std::string own_dir(std::string_view node) const {
    return own_dir() + "/" + std::string(node);
  }

  [[nodiscard]] std::string nodes_dir() const { return lab_dir() + "/nodes"; }

  [[nodiscard]] std::string node_dir(std::string_view node) const {
    return nodes_dir() + "/" + std::string(node);
  }

  [[nodiscard]] std::string layers_dir() const { return lab_dir() + "/layers"; }

  [[nodiscard]] std::string layers_size_file() const { return lab_dir() + "/layers-size"; }

  [[nodiscard]] std::string layer_dir(std::string_view node) const {
    return layers_dir() + "/" + std::string(node);
  }

  [[nodiscard]] std::string control_socket(std::string_view node) const {
    return node_dir(node) + "/init.sock";
  }

  [[nodiscard]] std::string ground_file(std::string_view node) const {
    return node_dir(node) + "/ground";
  }

  [[nodiscard]] std::string laid_file(std::string_view node) const {
    return node_dir(node) + "/laid";
  }

  [[nodiscard]] std::string log_dir(std::string_view node) const {
    return lab_dir() + "/log/" + std::string(node);
  }

  [[nodiscard]] std::string log_file(std::string_view node, std::string_view service) const {
    return log_dir(node) + "/" + std::string(service) + ".log";
  }

  // Of what is no service. Services have no such names.
  [[nodiscard]] std::string setup_log(std::string_view node) const {
    return log_file(node, "@setup");
  }

  [[nodiscard]] std::string syslog(std::string_view node) const {
    return log_file(node, "@syslog");
  }

  [[nodiscard]] std::string sysctl_dir() const { return lab_dir() + "/sysctl"; }

  // Of sysctls that the kernel shows otherwise than they were written, or not at all.
  [[nodiscard]] std::string shown_sysctl_dir() const { return lab_dir() + "/shown"; }

  [[nodiscard]] std::string ipc_sysctl_dir() const { return lab_dir() + "/ipc"; }

  // Where `ip netns` looks.
  [[nodiscard]] static std::string names_dir() { return "/run/netns"; }

  // "webdb.web", or "webdb" for the switch.
  [[nodiscard]] std::string public_name(std::string_view netns) const;

  [[nodiscard]] std::string name_link(std::string_view netns) const {
    return names_dir() + "/" + public_name(netns);
  }

  // Left by the lab that had to make names_dir() itself, so that the last lab's
  // end takes it away again.
  [[nodiscard]] std::string names_dir_mark() const { return state_dir_ + "/.made-names-dir"; }

  // Left by the lab that is about to make the cgroup of all labs: making it and marking it are
  // two steps.
  [[nodiscard]] std::string cgroup_parent_mark() const {
    return state_dir_ + "/.made-cgroup-parent";
  }

  // Of a node, relative to nslab's own cgroup.
  [[nodiscard]] std::string cgroup(std::string_view node) const {
    return lab_ + "/" + std::string(node);
  }

 private:
  std::string state_dir_;
  std::string lab_;
};

// The file in sysctl_dir() or ipc_sysctl_dir() for a sysctl of a node, and the inverse. An
// interface's dots are slashes in a key, and a file's name has none.
struct SavedSysctl {
  std::string node;
  std::string key;
};

std::string file_name(const SavedSysctl& saved);
SavedSysctl to_saved_sysctl(std::string_view file_name);

// Whether this could be a lab's name. What is not must not become part of a path:
// the cgroup of a lab "" is that of all labs, and the one of ".." everything's.
bool is_lab_name(std::string_view text);

// The name of nslab's own cgroup in every hierarchy: NSLAB_CGROUP_PARENT, or "nslab".
std::string cgroup_parent();

// Whether a text is one, and whether what NSLAB_CGROUP_PARENT says is: what is none must not
// become part of a path.
bool is_cgroup_name(std::string_view text);
Result<void> check_cgroup_parent();

// What tells one nslab from another on the same host, in the marks of what it makes: its state
// directory, and the file system that this is on, or will be. "0:25 /run/nslab".
Result<std::string> state_mark(const std::string& state_dir);

// The state directory that such a mark names.
std::string state_dir_in(std::string_view mark);

}  // namespace nslab::host
