// The keys of a lab, its subnets and its links.
#include <array>

#include "topology/lab_file.h"

namespace nslab::topology {

const BlockText LabKeys::kBlock{.name = "lab", .noun = "a lab", .doc = "The file as a whole."};

std::span<const Row<LabKeys>> LabKeys::rows() {
  static const std::array table{
      row<&LabKeys::name>("name",
                          {.doc = "The lab's name, in commands and on the host.",
                           .fallback = "the file's name without its ending",
                           .example = "name: webdb",
                           .cost = Cost::another_lab}),
      row<&LabKeys::description>("description",
                                 {.doc = "One sentence for people; `nslab ls` shows it.",
                                  .fallback = "",
                                  .example = "description: A web server and its database"}),
      row<&LabKeys::subnets>("subnets",
                             {.doc = "Networks that any number of nodes attach to: each is a "
                                     "bridge in the lab's own switch namespace, named as here. "
                                     "The short form is the `cidr` alone.",
                              .fallback = "",
                              .example = "subnets: {front: 10.10.1.0/24}",
                              .cost = Cost::see_below}),
      row<&LabKeys::nodes>("nodes",
                           {.doc = "The machines of the lab, by name.",
                            .fallback = "",
                            .example = "nodes: {web: {interfaces: {eth0: front}}}",
                            .cost = Cost::see_below,
                            .required = true}),
      row<&LabKeys::links>("links",
                           {.doc = "Cables straight between two nodes. The short form is "
                                   "`NODE:INTERFACE -- NODE:INTERFACE`.",
                            .fallback = "",
                            .example = "links: [\"web:eth2 -- db:eth1\"]",
                            .cost = Cost::see_below}),
      row<&LabKeys::limits>("limits",
                            {.doc = "What the lab as a whole may use of the host.",
                             .fallback = "",
                             .example = "limits: {layers: 2G}",
                             .cost = Cost::see_below}),
      row<&LabKeys::defaults>("defaults",
                              {.doc = "Keys that every node has unless it, or a group of its, "
                                      "says otherwise.",
                               .fallback = "",
                               .example = "defaults: {limits: {pids: 256}}",
                               .cost = Cost::see_below}),
      row<&LabKeys::groups>("groups",
                            {.doc = "Named sets of node keys, for the nodes that name them in "
                                    "their `groups`.",
                             .fallback = "",
                             .example = "groups: {small: {limits: {memory: 64M}}}",
                             .cost = Cost::see_below}),
  };
  return table;
}

const BlockText LabLimitKeys::kBlock{
    .name = "lab_limits",
    .noun = "'limits'",
    .doc = "A lab's `limits`. Changed while it runs; `none` lifts one.",
    .inherits = false};

std::span<const Row<LabLimitKeys>> LabLimitKeys::rows() {
  static const std::array table{
      row<&LabLimitKeys::layers>(
          "layers",
          {.doc = "What all its nodes write to their roots, together, in memory: a size, or a "
                  "part of the host's memory. Who writes more is told that no space is left.",
           .fallback = "25%",
           .example = "layers: 2G"}),
  };
  return table;
}

const BlockText SubnetKeys::kBlock{
    .name = "subnet", .noun = "a subnet", .doc = "An entry of `subnets`.", .inherits = false};

std::span<const Row<SubnetKeys>> SubnetKeys::rows() {
  static const std::array table{
      row<&SubnetKeys::cidr>("cidr",
                             {.doc = "The network that addresses are handed out of; a list for "
                                     "one of IPv4 and one of IPv6.",
                              .fallback = "",
                              .example = "cidr: [10.10.2.0/24, \"fd00:10:2::/64\"]",
                              .required = true}),
      row<&SubnetKeys::mtu>("mtu",
                            {.doc = "The largest packet in bytes, of the bridge and of every "
                                    "interface on it that does not say less.",
                             .fallback = "1500",
                             .example = "mtu: 1400"}),
      row<&SubnetKeys::ipv6>("ipv6",
                             {.doc = "`link-local` gives every interface on it an IPv6 link-local "
                                     "address, `none` gives it to none.",
                              .fallback = "link-local on interfaces with an IPv6 address",
                              .example = "ipv6: link-local"}),
      row<&SubnetKeys::gateway>("gateway",
                                {.doc = "Where default routes lead: the name of a router on the "
                                        "subnet, or an address of the subnet. Needed only where "
                                        "several routers stand on it.",
                                 .fallback = "the router of the subnet, if there is one",
                                 .example = "gateway: r1"}),
  };
  return table;
}

const BlockText LinkKeys::kBlock{
    .name = "link", .noun = "a link", .doc = "An item of `links`.", .inherits = false};

std::span<const Row<LinkKeys>> LinkKeys::rows() {
  static const std::array table{
      row<&LinkKeys::ends>("ends",
                           {.doc = "The two interfaces that the cable joins. It makes them; they "
                                   "do not stand in the nodes' `interfaces`.",
                            .fallback = "",
                            .example = "ends: [web:eth2, {interface: db:eth1, address: 10.30.0.2}]",
                            .cost = Cost::link_replaced,
                            .required = true}),
      row<&LinkKeys::subnet>("subnet",
                             {.doc = "The network of the cable: its ends get addresses in order. "
                                     "Without it they have those that are written, if any.",
                              .fallback = "",
                              .example = "subnet: 10.30.0.0/30"}),
      row<&LinkKeys::mtu>("mtu",
                          {.doc = "The largest packet in bytes, at both ends.",
                           .fallback = "1500",
                           .example = "mtu: 9000"}),
      row<&LinkKeys::ipv6>("ipv6",
                           {.doc = "Whether both ends have IPv6 link-local addresses: `none` or "
                                   "`link-local`. They can be used as soon as the lab is up.",
                            .fallback = "link-local where the ends have an IPv6 address, or none "
                                        "of IPv4",
                            .example = "ipv6: none"}),
  };
  return table;
}

const BlockText EndKeys::kBlock{.name = "end",
                                .noun = "an end of a link",
                                .doc = "An item of a link's `ends`.",
                                .inherits = false};

std::span<const Row<EndKeys>> EndKeys::rows() {
  static const std::array table{
      row<&EndKeys::interface>("interface",
                               {.doc = "The node, and the name of the interface that it gets.",
                                .fallback = "",
                                .example = "interface: web:eth2",
                                .cost = Cost::link_replaced,
                                .required = true}),
      row<&EndKeys::address>("address",
                             {.doc = "One address or a list. Needs a prefix length where the link "
                                     "has no `subnet`.",
                              .fallback = "the next free of the link's subnet",
                              .example = "address: 10.30.0.2/30"}),
      row<&EndKeys::mac>("mac",
                         {.doc = "Its hardware address.",
                          .fallback = "derived from the names of lab, node and interface",
                          .example = "mac: 02:00:00:00:03:02"}),
  };
  return table;
}

const BlockShape& lab_shape() {
  return block_shape<LabKeys>();
}

}  // namespace nslab::topology
