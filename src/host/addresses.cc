// Addresses and routes.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "host/objects.h"
#include "host/per_netns.h"
#include "kernel/address.h"
#include "kernel/route.h"
#include "kernel/sysctl.h"

namespace nslab::host {
namespace {

using resource::Address;
using resource::Route;

std::string netns_of_address(const Address* spec) {
  return spec->netns;
}

std::string netns_of_route(const Route* spec) {
  return spec->netns;
}

Result<kernel::Route> to_kernel(OpenNetns& netns, const Route& spec) {
  constexpr std::array kTypes{kernel::RouteType::unicast,
                              kernel::RouteType::blackhole,
                              kernel::RouteType::unreachable,
                              kernel::RouteType::prohibit};
  kernel::Route route{.to = spec.to,
                      .via = spec.via,
                      .metric = spec.metric,
                      .type = kTypes[static_cast<std::size_t>(spec.type)]};
  if (!spec.interface.empty()) {
    NSLAB_ASSIGN(index, find_link(netns, spec.interface));
    route.index = index;
  }
  return route;
}

// The routes of the namespace to the same place with the same metric, whoever
// made them: a route that was changed by hand lost our mark.
Result<void> append_removal(OpenNetns& netns,
                            kernel::Batch& messages,
                            std::size_t tag,
                            const Route& spec) {
  NSLAB_ASSIGN(routes, kernel::list_routes(netns.socket));
  for (const kernel::Route& route : routes) {
    if (route.to == spec.to && route.metric == spec.metric) {
      kernel::append_delete_route(messages, tag, route);
    }
  }
  return {};
}

// before(netns, spec) and append(messages, tag, index, address) for each.
template <typename Before, typename Append>
Outcome for_each_address(Context& context, Batch<Address> batch, Before before, Append append) {
  return for_each_netns(
      context,
      batch,
      netns_of_address,
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        NSLAB_ASSIGN(index, find_link(netns, batch[i]->interface));
        NSLAB_TRY(before(netns, *batch[i]));
        append(messages, i, index, batch[i]->address);
        return {};
      });
}

}  // namespace

Result<kernel::LinkIndex> find_link(OpenNetns& netns, std::string_view interface) {
  if (!netns.links.contains(interface)) {
    NSLAB_ASSIGN(links, kernel::list_links(netns.socket));
    netns.links.clear();
    for (const kernel::Link& link : links) {
      netns.links.emplace(link.name, link.index);
    }
  }
  const auto found = netns.links.find(interface);
  if (found == netns.links.end()) {
    return Error{.kind = ErrorKind::not_found,
                 .message = "node " + quote(netns.name) + " has no interface " + quote(interface)};
  }
  return found->second;
}

Result<void> allow_ipv6(OpenNetns& netns, const std::string& interface, bool quiet) {
  if (netns.next != 0) {  // nobody has been in it
    return {};
  }
  std::string name = interface;
  std::ranges::replace(name, '.', '/');  // as sysctl(8) has them
  const std::string settings = "net.ipv6.conf." + name;
  const auto disabled = kernel::read_sysctl(netns.ns.get(), settings + ".disable_ipv6");
  if (!disabled || *disabled != "1") {
    return {};
  }
  if (quiet) {
    constexpr const char* kNoAddress = "1";  // IN6_ADDR_GEN_MODE_NONE
    NSLAB_TRY(kernel::write_sysctl(netns.ns.get(), settings + ".addr_gen_mode", kNoAddress));
  }
  return kernel::write_sysctl(netns.ns.get(), settings + ".disable_ipv6", "0");
}

Outcome create(Context& context, Batch<Address> batch) {
  const auto before = [](OpenNetns& netns, const Address& spec) {
    return spec.address.address.is_v6() ? allow_ipv6(netns, spec.interface, false) : Result<void>();
  };
  return for_each_address(context, batch, before, kernel::append_address);
}

Outcome change(Context& context, Changes<Address> batch) {
  return for_each_netns(
      context,
      batch,
      [](const ChangeOf<Address>& each) { return each.before->netns; },
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        const Address& after = *batch[i].after;
        const auto first = std::ranges::find_if(batch, [&](const ChangeOf<Address>& each) {
          return !each.before->routed && each.after->netns == after.netns &&
                 each.after->interface == after.interface &&
                 each.after->address.network() == after.address.network();
        });
        NSLAB_ASSIGN(index, find_link(netns, after.interface));
        if (!batch[i].before->lasts) {
          kernel::append_lasting_address(messages, i, index, after.address);
        }
        if (batch[i].before->routed) {
          return {};
        }
        kernel::append_local_route(messages, i, index, after.address);
        if (&*first == &batch[i]) {  // addresses of one network share its route
          kernel::append_connected_route(messages, i, index, after.address);
        }
        return {};
      });
}

Outcome destroy(Context& context, Batch<Address> batch) {
  const auto before = [](OpenNetns& /*netns*/, const Address& /*spec*/) { return Result<void>(); };
  return for_each_address(context, batch, before, kernel::append_delete_address);
}

Outcome create(Context& context, Batch<Route> batch) {
  return for_each_netns(
      context,
      batch,
      netns_of_route,
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        NSLAB_ASSIGN(route, to_kernel(netns, *batch[i]));
        kernel::append_route(messages, i, route);
        return {};
      });
}

Outcome change(Context& context, Changes<Route> batch) {
  return for_each_netns(
      context,
      batch,
      [](const ChangeOf<Route>& each) { return each.before->netns; },
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        NSLAB_TRY(append_removal(netns, messages, i, *batch[i].before));
        NSLAB_ASSIGN(route, to_kernel(netns, *batch[i].after));
        kernel::append_route(messages, i, route);
        return {};
      });
}

Outcome destroy(Context& context, Batch<Route> batch) {
  return for_each_netns(context,
                        batch,
                        netns_of_route,
                        [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) {
                          return append_removal(netns, messages, i, *batch[i]);
                        });
}

}  // namespace nslab::host
