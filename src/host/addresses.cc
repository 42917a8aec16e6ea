// Addresses and routes.
#include "base/text.h"
#include "host/objects.h"
#include "host/per_netns.h"
#include "kernel/address.h"
#include "kernel/route.h"

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

// append(messages, tag, index, address) for each.
template <typename Append>
Outcome for_each_address(Context& context, Batch<Address> batch, Append append) {
  return for_each_netns(
      context,
      batch,
      netns_of_address,
      [&](OpenNetns& netns, kernel::Batch& messages, std::size_t i) -> Result<void> {
        NSLAB_ASSIGN(index, find_link(netns, batch[i]->interface));
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

Outcome create(Context& context, Batch<Address> batch) {
  return for_each_address(context, batch, kernel::append_address);
}

Outcome destroy(Context& context, Batch<Address> batch) {
  return for_each_address(context, batch, kernel::append_delete_address);
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
