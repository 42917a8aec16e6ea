"""What labs will need of a kernel beside the commonest, and the probe that says whether it is there."""

import unittest

import features
from nslab_test import NslabTest, main, needs, residue, run, succeed


def ip(*words):
    succeed(run("ip", *words))


class Probe(NslabTest):
    def test_trying_leaves_nothing_behind(self):
        before = residue.snapshot()
        features.offered()
        self.assert_no_residue(before)

    def test_a_feature_that_nobody_knows_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "no feature 'netme'.*netem"):
            needs("netme")

    def test_what_a_command_refuses_is_missing(self):
        features.TRIED["a bridge"] = "ip link add name try type bridge"
        features.TRIED["nonsense"] = "ip link add name try type nonsense"
        known, features.ALL = features.ALL, features.ALL | {"a bridge", "nonsense"}
        try:
            self.assertTrue(features.has("a bridge"))
            self.assertFalse(features.has("nonsense"))
        finally:
            features.ALL = known


class Kernel(NslabTest):
    def tearDown(self):
        for link in residue.ip("link"):
            if link["ifname"] != "lo":
                run("ip", "link", "del", "dev", link["ifname"])  # of two ends the first takes the other

    @needs("netem")
    def test_netem_delays(self):
        ip("link", "add", "name", "a", "type", "veth", "peer", "name", "b")
        succeed(run("tc", "qdisc", "add", "dev", "a", "root", "netem", "delay", "40ms", "loss", "1%"))
        self.assertIn("delay 40ms loss 1%", succeed(run("tc", "qdisc", "show", "dev", "a")).out)

    @needs("vlan", "bridge-vlan")
    def test_a_bridge_keeps_vlans_apart(self):
        ip("link", "add", "name", "net", "type", "bridge", "vlan_filtering", "1")
        ip("link", "add", "name", "a", "type", "veth", "peer", "name", "b")
        ip("link", "set", "dev", "a", "master", "net")
        succeed(run("bridge", "vlan", "add", "dev", "a", "vid", "30"))
        ip("link", "add", "link", "b", "name", "b.30", "type", "vlan", "id", "30")
        self.assertIn("30", succeed(run("bridge", "vlan", "show", "dev", "a")).out.split())

    @needs("vrf", "dummy")
    def test_a_vrf_has_routes_of_its_own(self):
        ip("link", "add", "name", "blue", "type", "vrf", "table", "30")
        ip("link", "add", "name", "uplink", "type", "dummy")
        ip("link", "set", "dev", "uplink", "master", "blue")
        for name in ("blue", "uplink"):
            ip("link", "set", "dev", name, "up")
        ip("address", "add", "10.30.0.1/24", "dev", "uplink")
        self.assertIn("10.30.0.0/24", [route["dst"] for route in residue.ip("route", "show", "vrf", "blue")])


if __name__ == "__main__":
    main()
