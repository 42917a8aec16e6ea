// The identity of a resource and its place among the others.
#pragma once

#include <compare>
#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include "resource/spec.h"

namespace nslab::resource {

// Unique within a lab. In every message: "veth:web/eth0".
struct Id {
  Kind kind = Kind::lab;
  std::string name;

  auto operator<=>(const Id&) const = default;
};

// The lab itself: a state holds one lab. Printed as "lab".
inline const Id kLabId{Kind::lab, ""};

std::string to_string(const Id& id);
// The same for people, who know a cable by its ends: "cable web:eth0 -- db:eth1", and
// "cable web:eth0 -- front" for one into a subnet's switch.
std::string title_of(const Spec& spec);
// An end of a cable: "web:eth0", "port web.eth0" of the switch.
std::string title_of(const VethEnd& end);
// The inverse of to_string; nothing when the text names no kind.
std::optional<Id> parse_id(std::string_view text);

Id id_of(const Lab& spec);
Id id_of(const SharedFile& spec);
Id id_of(const Cgroup& spec);
Id id_of(const UserNs& spec);
Id id_of(const NetNs& spec);
Id id_of(const Bridge& spec);
Id id_of(const Veth& spec);
Id id_of(const Link& spec);
Id id_of(const Address& spec);
Id id_of(const Route& spec);
Id id_of(const Node& spec);
Id id_of(const Sysctl& spec);
Id id_of(const Mount& spec);
Id id_of(const Directory& spec);
Id id_of(const File& spec);
Id id_of(const Setup& spec);
Id id_of(const Service& spec);
Id id_of(const Spec& spec);

// What an object lives in: it is gone when any of these is destroyed, and has
// to be made again when any of these is. What lives at an interface says so by
// interface_id(), whatever the interface is: who looks that up asks interfaces_of().
std::vector<Id> containers_of(const Spec& spec);

// The interfaces that come and go with the object: both ends of a cable.
std::vector<Id> interfaces_of(const Spec& spec);

// What has to exist before the object is made, beyond its containers. May name
// objects that a lab does not have.
std::vector<Id> dependencies_of(const Spec& spec);

// The node that restarting this object restarts; nothing for objects that
// belong to no node.
std::optional<Id> node_of(const Spec& spec);

// Where in the lab an object is: the node, or kSwitch, whose namespaces, init or cgroup
// it is part of; both ends for a cable, but for an end that was not found; for a node
// those too that share namespaces with it. None for what belongs to all.
std::vector<std::string> places_of(const Spec& spec);

template <typename S>
concept Resource = std::equality_comparable<S> && HasFields<S> && requires(const S& spec) {
  { S::kKind } -> std::convertible_to<Kind>;
  { id_of(spec) } -> std::same_as<Id>;
};

// Constructors for the ids that others refer to.
Id node_id(std::string_view node);
Id netns_id(std::string_view netns);
Id interface_id(std::string_view netns, std::string_view interface);
// Of the cable, by its first end.
Id veth_id(std::string_view netns, std::string_view interface);
Id service_id(std::string_view node, std::string_view service);

}  // namespace nslab::resource
