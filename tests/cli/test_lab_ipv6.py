"""labs/ipv6.yaml: both families, IPv6 alone, and none where nobody asked for it."""

import unittest

from nslab_test import LABS, LabTest, main, residue, succeed


class Ipv6(LabTest):
    file = LABS / "ipv6.yaml"

    def addresses(self, node, *options):
        return {each["local"] for link in residue.ip("-n", f"ipv6.{node}", *options, "address")
                if link["ifname"] != "lo" for each in link["addr_info"]}

    def test_over_the_router(self):
        self.assertEqual(self.ping("laptop", "server", "-6"), 63)
        self.assertEqual(self.ping("laptop", "gateway", "-4"), 64)
        self.assertEqual(self.ping("server", "laptop", "-6"), 63)

    def test_a_server_that_listens_on_ipv6(self):
        self.assertEqual(succeed(self.fetch("laptop", "http://server:8080/")).out, "hello over IPv6\n")

    def test_no_family_that_was_not_asked_for(self):
        self.assertEqual(self.addresses("server", "-4"), set())
        self.assertEqual(self.addresses("old", "-6"), set())
        self.assertEqual(len(self.addresses("old", "-4")), 1)

    def test_addresses_are_usable_at_once(self):
        for node in ("gateway", "laptop", "server"):
            for link in residue.ip("-n", f"ipv6.{node}", "-6", "address"):
                for each in link["addr_info"]:
                    self.assertFalse(each.get("tentative") or each.get("dadfailed"), each)

    def test_default_routes_of_both_families(self):
        route, = residue.ip("-n", "ipv6.laptop", "-6", "route", "show", "default")
        self.assertEqual(route["gateway"], "fd00:7::1")
        route, = residue.ip("-n", "ipv6.laptop", "-4", "route", "show", "default")
        self.assertEqual(route["gateway"], "192.168.7.1")


if __name__ == "__main__":
    main()
