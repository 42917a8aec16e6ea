#include "support/fake_host.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "resource/difference.h"

namespace nslab::test {

using namespace resource;

namespace {

std::string interface_key(const std::string& netns, const std::string& name) {
  return netns + "/" + name;
}

const Veth* as_veth(const Spec& spec) {
  return std::get_if<Veth>(&spec);
}

// The ids by which others say that they live in the object, or at what it provides.
std::vector<Id> names_of(const Spec& spec) {
  std::vector<Id> names = interfaces_of(spec);
  names.push_back(id_of(spec));
  return names;
}

// A node is a process: it ends with the lab, and with nothing else.
bool goes_with(const Spec& spec, const std::vector<Id>& gone) {
  const std::vector<Id> containers = containers_of(spec);
  return std::ranges::any_of(containers, [&](const Id& container) {
    const bool ends_it = !std::holds_alternative<Node>(spec) || container == kLabId;
    return ends_it && std::ranges::find(gone, container) != gone.end();
  });
}

const Spec& spec_of(const Spec* member) {
  return *member;
}

const Spec& spec_of(const host::Change& member) {
  return *member.after;
}

// Who looks at one end alone knows the cable's name by its mark, and no more of the other.
void hide_ends(const host::Places& places, Veth& veth) {
  if (!places.contains(veth.b.netns)) {
    veth.b = {};
  }
  if (!places.contains(veth.a.netns)) {
    veth.a = {.netns = veth.a.netns, .name = veth.a.name};
    veth.b.name.clear();
  }
}

Error refuse(const char* why, int os_error) {
  return kernel_error(why, os_error);
}

}  // namespace

std::vector<Error> FakeHost::obstacles(const DesiredState& /*desired*/, host::Made /*made*/) {
  return missing;
}

std::vector<Error> FakeHost::warnings(const DesiredState& /*desired*/) {
  return {};
}

Result<ObservedState> FakeHost::observe() {
  calls.emplace_back("observe");
  if (blind_) {
    return refuse("reading the interfaces", EPERM);
  }
  return world;
}

Result<ObservedState> FakeHost::observe(const host::Places& places) {
  NSLAB_ASSIGN(state, observe());
  calls.back() += " only";
  for (const std::string& place : places) {
    calls.back() += " " + place;
  }
  std::erase_if(state.resources, [&](const auto& entry) {
    const auto its = places_of(entry.second.spec);
    return !its.empty() && std::ranges::none_of(
                               its, [&](const std::string& each) { return places.contains(each); });
  });
  for (auto& [id, observed] : state.resources) {
    if (auto* veth = std::get_if<Veth>(&observed.spec)) {
      hide_ends(places, *veth);
    }
  }
  return state;
}

host::Outcome FakeHost::confirm(std::span<const resource::Spec* const> services) {
  for (std::size_t i = 0; i < services.size(); ++i) {
    auto& service = std::get<resource::Service>(world.resources.at(id_of(*services[i])).spec);
    if (short_lived.contains(service.name)) {
      service.ended = true;
      return host::Failure{i, Error{.kind = ErrorKind::node, .message = "it has ended"}};
    }
  }
  return {};
}

Result<std::vector<Error>> FakeHost::settle() {
  calls.emplace_back("settle");
  dying_.clear();
  return std::vector<Error>{};
}

Result<host::LabStatus> FakeHost::inspect() {
  return host::LabStatus{};
}

void FakeHost::fail(Fault fault) {
  fault_ = fault;
  countdown_ = fault.object;
  failed_ = false;
}

template <typename Member, typename Act>
host::Outcome FakeHost::run(const char* verb, std::span<const Member> batch, Act act) {
  std::string call = verb;
  for (const Member& member : batch) {
    call += " " + to_string(id_of(spec_of(member)));
  }
  calls.push_back(std::move(call));
  host::Outcome outcome;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    ++touched_;
    if (fault_ && countdown_-- == 0) {
      const Fault fault = *std::exchange(fault_, std::nullopt);
      failed_ = true;
      if (fault.when == Fault::When::after) {
        (void)act(batch[i]);  // what it says is lost
      }
      outcome = host::Failure{i, refuse("the fault of the test", fault.os_error)};
      if (fault.when != Fault::When::after_others) {
        return outcome;
      }
    } else if (auto complaint = act(batch[i]); complaint && !outcome) {
      return host::Failure{i, *std::move(complaint)};
    }
  }
  return outcome;
}

host::Outcome FakeHost::create(std::span<const Spec* const> batch) {
  const std::scoped_lock lock(*mutex_);
  return run("create", batch, [this](const Spec* spec) { return do_create(*spec); });
}

host::Outcome FakeHost::change(std::span<const host::Change> batch) {
  return run("change", batch, [this](const host::Change& each) { return do_change(each); });
}

host::Outcome FakeHost::destroy(std::span<const Spec* const> batch) {
  return run("destroy", batch, [this](const Spec* spec) { return do_destroy(*spec); });
}

bool FakeHost::has(const Id& id) const {
  if (id.kind != Kind::interface) {
    return world.resources.contains(id);
  }
  return std::ranges::any_of(world.resources, [&](const auto& entry) {
    const std::vector<Id> names = names_of(entry.second.spec);
    return std::ranges::find(names, id) != names.end();
  });
}

bool FakeHost::has_interface(const std::string& netns, const std::string& name) const {
  return has(interface_id(netns, name)) || dying_.contains(interface_key(netns, name));
}

bool FakeHost::reaches(const Route& route) const {
  return std::ranges::any_of(world.resources, [&](const auto& entry) {
    const auto* address = std::get_if<Address>(&entry.second.spec);
    return address != nullptr && address->netns == route.netns &&
           address->interface == route.interface && address->address.contains(*route.via);
  });
}

FakeHost::Complaint FakeHost::lacks(const Spec& spec) const {
  for (const Id& container : containers_of(spec)) {
    if (!has(container)) {
      return refuse(("no " + to_string(container)).c_str(), ENOENT);
    }
  }
  if (const auto* route = std::get_if<Route>(&spec)) {
    if (route->via && !reaches(*route)) {
      return refuse("no address of the gateway's subnet", ENETUNREACH);
    }
  }
  const Veth* veth = as_veth(spec);
  for (const VethEnd* end :
       veth != nullptr ? std::vector{&veth->a, &veth->b} : std::vector<const VethEnd*>{}) {
    if (!end->bridge.empty() && !has({Kind::bridge, end->bridge})) {
      return refuse("no bridge", ENODEV);
    }
  }
  return std::nullopt;
}

FakeHost::Complaint FakeHost::do_create(const Spec& spec) {
  if (world.resources.contains(id_of(spec))) {
    return refuse("it exists", EEXIST);
  }
  if (const Veth* veth = as_veth(spec)) {
    if (has_interface(veth->a.netns, veth->a.name) || has_interface(veth->b.netns, veth->b.name)) {
      return refuse("an interface of that name exists", EEXIST);
    }
  }
  if (auto complaint = lacks(spec)) {
    return complaint;
  }
  world.add(spec);
  return std::nullopt;
}

// Everything in the namespace goes but the ends of cables. No node may be in it.
FakeHost::Complaint FakeHost::renew(const NetNs& netns) {
  std::vector<Id> inside;
  for (const auto& [id, observed] : world.resources) {
    const std::vector<Id> containers = containers_of(observed.spec);
    if (std::ranges::find(containers, id_of(netns)) == containers.end()) {
      continue;
    }
    if (id.kind == Kind::node) {
      return refuse("a node is in the network namespace", EBUSY);
    }
    if (id.kind != Kind::veth) {
      inside.push_back(id);
    }
  }
  for (const Id& id : inside) {
    forget(id);
  }
  for (auto& [id, observed] : world.resources) {
    if (auto* veth = std::get_if<Veth>(&observed.spec)) {
      for (VethEnd* end : {&veth->a, &veth->b}) {
        if (end->netns == netns.name) {
          end->up = false;
          end->bridge.clear();
          moved_.insert(interface_key(end->netns, end->name));
        }
      }
    }
  }
  drop_routes_without_address();
  return std::nullopt;
}

FakeHost::Complaint FakeHost::do_change(const host::Change& change) {
  const auto found = world.resources.find(id_of(*change.after));
  if (found == world.resources.end()) {
    return refuse("it is gone", ENOENT);
  }
  Spec before = *change.before;
  if (auto* netns = std::get_if<NetNs>(&before); netns != nullptr && !netns->clean) {
    netns->clean = true;
    if (auto complaint = renew(*netns)) {
      return complaint;
    }
  }
  if (auto* veth = std::get_if<Veth>(&before)) {
    // Bridges that went before have let go of their ports.
    for (VethEnd* end : {&veth->a, &veth->b}) {
      end->bridge = has({Kind::bridge, end->bridge}) ? end->bridge : "";
    }
    // Of an end that has moved all is set, whatever it was.
    const auto& there = std::get<Veth>(found->second.spec);
    for (const auto end : {&Veth::a, &Veth::b}) {
      if (moved_.erase(interface_key((veth->*end).netns, (veth->*end).name)) > 0 &&
          !(veth->*end).up) {
        veth->*end = there.*end;
      }
    }
  }
  if (!(found->second.spec == before)) {
    return refuse("it is not as it was observed", EBUSY);
  }
  for (const Difference& each : differences(*change.before, *change.after)) {
    if (each.cost != Cost::nothing) {
      return refuse("it cannot change in place", EINVAL);
    }
  }
  if (auto complaint = lacks(*change.after)) {
    return complaint;
  }
  found->second.spec = *change.after;
  return std::nullopt;
}

FakeHost::Complaint FakeHost::do_destroy(const Spec& spec) {
  const Id id = id_of(spec);
  if (!world.resources.contains(id)) {
    return refuse("it is gone", ENOENT);
  }
  if (id.kind == Kind::setup) {
    return refuse("what has run cannot be undone", EINVAL);
  }
  forget(id);
  drop_routes_without_address();
  return std::nullopt;
}

void FakeHost::lose(const Id& id) {
  forget(id);
  drop_routes_without_address();
  dying_.clear();  // long before nslab comes
}

void FakeHost::forget(const Id& id) {
  const auto found = world.resources.find(id);
  if (found == world.resources.end()) {
    return;
  }
  const Spec spec = std::move(found->second.spec);
  world.resources.erase(found);
  if (id.kind == Kind::bridge) {
    free_ports_of(id.name);
  }
  const std::vector<Id> gone = names_of(spec);
  std::vector<Id> followers;
  for (const auto& [other, observed] : world.resources) {
    const bool beside_the_lab = id == kLabId && !observed.ours;
    if (!beside_the_lab && goes_with(observed.spec, gone)) {
      followers.push_back(other);
      const Veth* veth = as_veth(observed.spec);
      for (const VethEnd* end :
           veth != nullptr ? std::vector{&veth->a, &veth->b} : std::vector<const VethEnd*>{}) {
        if (has(netns_id(end->netns))) {
          dying_.insert(interface_key(end->netns, end->name));
        }
      }
    }
  }
  for (const Id& follower : followers) {
    forget(follower);
  }
  std::erase_if(dying_, [&](const std::string& interface) {
    return !has(netns_id(split(interface, '/').front()));
  });
}

void FakeHost::free_ports_of(const std::string& bridge) {
  for (auto& [id, observed] : world.resources) {
    if (auto* veth = std::get_if<Veth>(&observed.spec)) {
      for (VethEnd* end : {&veth->a, &veth->b}) {
        if (end->bridge == bridge) {
          end->bridge.clear();
        }
      }
    }
  }
}

// With the last IPv4 address of an interface the kernel drops every route by it
// (fib_disable_ip); that of IPv6 is taken to be as bad.
void FakeHost::drop_routes_without_address() {
  std::erase_if(world.resources, [&](const auto& entry) {
    const auto* route = std::get_if<Route>(&entry.second.spec);
    if (route == nullptr || route->interface.empty()) {
      return false;
    }
    return std::ranges::none_of(world.resources, [&](const auto& other) {
      const auto* address = std::get_if<Address>(&other.second.spec);
      return address != nullptr && address->netns == route->netns &&
             address->interface == route->interface &&
             address->address.address.is_v6() == route->to.address.is_v6();
    });
  });
}

}  // namespace nslab::test
