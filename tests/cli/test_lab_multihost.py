"""labs/multihost.yaml: pods of three hosts reach each other with their own addresses."""

import unittest

from nslab_test import LABS, LabTest, main, nslab, succeed

HOST_OF = {"a1": 1, "b1": 1, "a2": 2, "b2": 2, "a3": 3}


class Multihost(LabTest):
    file = LABS / "multihost.yaml"

    def test_every_pod_reaches_every_other(self):
        for pod, host in HOST_OF.items():
            for peer, peer_host in HOST_OF.items():
                if pod < peer:
                    self.assertEqual(self.ping(pod, peer), 64 if host == peer_host else 62, (pod, peer))

    def test_addresses_are_not_translated(self):
        address = self.running.read("a3", "hostname", "-I").split()[0]
        self.assertTrue(address.startswith("10.244.3."), address)
        self.assertEqual(succeed(self.fetch("a3", "http://a1:8080/")).text, address)

    def test_a_lost_route_cuts_one_direction_and_is_mended_alone(self):
        before = {node: self.running.identity(node) for node in self.node_names()}
        self.running.read("host2", "ip", "route", "del", "10.244.1.0/24")
        self.assertIsNone(self.ping("a1", "a2"))
        self.assertEqual(self.ping("a1", "a3"), 62)
        self.assertEqual([action for action, _ in self.plan(self.file)], ["create"])
        self.assertIn("route:host2", self.plan(self.file)[0][1])
        succeed(nslab("up", self.file))
        self.assertEqual(self.ping("a1", "a2"), 62)
        self.assertEqual({node: self.running.identity(node) for node in self.node_names()}, before)


if __name__ == "__main__":
    main()
