#include <map>

#include "topology/resolve.h"

namespace nslab::topology {
namespace {

// A locally administered address, the same for the same names.
MacAddress derived_mac(std::string_view text) {
  const std::uint64_t hash = stable_hash(text);
  MacAddress mac{.bytes = {0x02}};
  for (std::size_t i = 1; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = static_cast<std::uint8_t>(hash >> (8 * i));
  }
  return mac;
}

class MacBook {
 public:
  explicit MacBook(Draft& draft) : draft_(draft) {}

  void pin(const Port& port) {
    if (!*port.mac) {
      return;
    }
    const MacAddress mac = **port.mac;
    const auto [first, fresh] = taken_.try_emplace(mac, port.mac->where);
    if (!fresh) {
      draft_.problems.semantic(port.mac->where,
                               "MAC address " + to_string(mac) + " is used twice",
                               "the first use is " + on_line(first->second));
    }
    draft_.interface_of(port).mac = mac;
  }

  void derive(const Port& port) {
    Interface& interface = draft_.interface_of(port);
    const std::string name =
        draft_.topology.name + "/" + draft_.node_of(port).name + "/" + interface.name;
    if (!*port.mac) {
      interface.mac = fresh(name, interface.where);
    }
    if (auto* on = std::get_if<OnSubnet>(&interface.medium)) {
      on->port_mac = fresh(name + "/port", interface.where);
    }
  }

 private:
  MacAddress fresh(std::string name, Mark where) {
    for (;;) {
      const MacAddress mac = derived_mac(name);
      if (taken_.try_emplace(mac, where).second) {
        return mac;
      }
      name += "'";
    }
  }

  Draft& draft_;
  std::map<MacAddress, Mark> taken_;
};

}  // namespace

void assign_macs(Draft& draft) {
  MacBook book(draft);
  for (const Port& port : draft.ports) {
    book.pin(port);
  }
  for (const Port& port : draft.ports) {
    book.derive(port);
  }
}

}  // namespace nslab::topology
