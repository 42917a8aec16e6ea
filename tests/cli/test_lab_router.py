"""labs/router.yaml: default and static routes over two routers."""

import unittest

from nslab_test import LABS, LabTest, main, nslab, residue, succeed


class Router(LabTest):
    file = LABS / "router.yaml"

    def routes(self, node):
        return {(route["dst"], route.get("gateway")) for route in residue.ip("-n", f"router.{node}", "route")
                if "gateway" in route}

    def test_each_router_takes_one_off_the_time_to_live(self):
        self.assertEqual(self.ping("alice", "r1"), 64)
        self.assertEqual(self.ping("alice", "carol"), 63)
        self.assertEqual(self.ping("alice", "bob"), 62)
        self.assertEqual(self.ping("carol", "bob"), 63)

    def test_gateways_have_the_first_addresses(self):
        def address(node, interface):
            link, = residue.ip("-n", f"router.{node}", "-4", "address", "show", "dev", interface)
            return link["addr_info"][0]["local"]
        self.assertEqual(address("r1", "eth0"), "10.1.0.1")
        self.assertEqual(address("r1", "eth1"), "10.2.0.1")
        self.assertEqual(address("r2", "eth1"), "10.3.0.1")
        self.assertEqual(address("alice", "eth0"), "10.1.0.2")

    def test_who_has_which_route(self):
        self.assertEqual(self.routes("alice"), {("default", "10.1.0.1")})
        self.assertEqual(self.routes("bob"), {("default", "10.3.0.1")})
        self.assertEqual(self.routes("carol"), {("default", "10.2.0.1"), ("10.3.0.0/24", "10.2.0.2")})
        self.assertEqual(self.routes("r1"), {("10.3.0.0/24", "10.2.0.2")})

    def test_only_routers_forward(self):
        for node, forwards in (("r1", "1"), ("r2", "1"), ("alice", "0"), ("carol", "0")):
            self.assertEqual(self.running.read(node, "cat", "/proc/sys/net/ipv4/ip_forward"), forwards, node)

    def test_the_blackhole_swallows(self):
        result = self.running.exec("r2", "ping", "-c1", "-W1", "10.66.0.1")
        self.assertNotEqual(result.code, 0)
        self.assertIn("Invalid argument", result.out + result.err)  # how the kernel says blackhole

    def test_a_cut_cable_is_seen_and_mended(self):
        before = {node: self.running.identity(node) for node in self.node_names()}
        self.running.read("r1", "ip", "link", "set", "eth1", "down")
        self.assertIsNone(self.ping("alice", "bob"))
        self.expect(nslab("plan", self.file, "--check"), 3, out="cable r1:eth1")
        succeed(nslab("up", self.file))
        self.assertEqual(self.ping("alice", "bob"), 62)
        self.assertEqual({node: self.running.identity(node) for node in self.node_names()}, before)


if __name__ == "__main__":
    main()
