"""ipspace/netlab #1641: no default route where a host's first interface has no address."""

from nslab_test import NslabTest, main

LAB = """
name: firstif
subnets: {l1: 10.86.26.0/25, l2: 10.86.26.128/25}
links: ["rtr:eth9 -- h:eth0"]
nodes:
  rtr: {role: router, interfaces: {eth0: l1, eth1: l2}}
  h: {interfaces: {eth1: l1}}
  far: {interfaces: {eth0: l2}}
"""


class FirstInterfaceWithoutAddress(NslabTest):
    def test_the_default_route_is_there(self):
        with self.lab(LAB) as lab:
            lab.read("h", "ping", "-n", "-c1", "-W1", "far")


if __name__ == "__main__":
    main()
