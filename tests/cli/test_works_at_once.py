"""After `up` has changed a lab, every neighbour's first packet is answered: nothing that
others remember of before is in the way, in IPv4 and IPv6.
"""

import itertools

from nslab_test import NslabTest, lab_file, main, nslab, run, succeed

LAB = """
name: once
subnets:
  lan: {cidr: [10.7.0.0/24, "fd00:7::/64"]}
  far: {cidr: [10.8.0.0/24, "fd00:8::/64"]}
nodes:
  a: {interfaces: {eth0: {subnet: lan, address: [10.7.0.10, "fd00:7::10"]}}}
  b: {interfaces: {eth0: {subnet: lan, address: [10.7.0.20, "fd00:7::20"]}}}
  c: {interfaces: {eth0: {subnet: lan, address: [10.7.0.30, "fd00:7::30"]}}}
  r: {role: router, interfaces: {eth0: {subnet: lan, address: [10.7.0.1, "fd00:7::1"]}, eth1: far}}
  z: {interfaces: {eth0: {subnet: far, address: [10.8.0.90, "fd00:8::90"]}}}
links: [{ends: ["a:e1", "b:e1"], subnet: 10.9.0.0/30}]
"""
A, B = '[10.7.0.10, "fd00:7::10"]', '[10.7.0.20, "fd00:7::20"]'
MAC_A, MAC_B = '"02:00:00:00:00:0a"', '"02:00:00:00:00:0b"'
PAIRS = list(itertools.permutations("abcz", 2))


def swapped(one, other):
    return LAB.replace(one, "@").replace(other, one).replace("@", other)


def with_macs(a, b):
    return LAB.replace(f"address: {A}", f"address: {A}, mac: {a}").replace(f"address: {B}", f"address: {B}, mac: {b}")


# Each a change from one lab to the other, and back.
CHANGES = {
    "other MAC addresses": (LAB, with_macs(MAC_A, MAC_B)),
    "MAC addresses change places": (with_macs(MAC_A, MAC_B), with_macs(MAC_B, MAC_A)),
    "addresses change places": (LAB, swapped(A, B)),
    "an address moves to a node that had another": (LAB, LAB.replace(B, '[10.7.0.21, "fd00:7::21"]').replace(A, B)),
    "a smaller MTU": (LAB, LAB.replace('cidr: [10.7.0.0/24', 'mtu: 1400, cidr: [10.7.0.0/24')),
    "a node starts again": (LAB, LAB.replace("  a: {", "  a: {setup: [ip rule add fwmark 7 table 100], ")),
    "the router starts again": (LAB, LAB.replace("  r: {", "  r: {root: host, ")),
    "the router has another address": (LAB, LAB.replace("10.7.0.1,", "10.7.0.2,").replace("fd00:7::1\"", "fd00:7::2\"")),
    "a node is made anew": (LAB, LAB.replace("  a: {", "  a: {namespaces: {user: private}, ")),
    "another node is in its place": (LAB, LAB.replace("  c: {", "  d: {")),
    "a subnet has another name": (LAB, LAB.replace("lan: {", "home: {").replace("subnet: lan", "subnet: home")),
    "interfaces have other names": (LAB, LAB.replace("  a: {interfaces: {eth0", "  a: {interfaces: {wan0")),
    "a subnet has other addresses": (LAB, LAB.replace("10.7.0", "10.77.0").replace("fd00:7:", "fd00:77:")),
}


def addresses(text):
    """{node: its addresses on its subnet}"""
    found = {}
    for line in text.splitlines():
        if "address: [" in line:
            found[line.split(":")[0].strip()] = line.split("address: [")[1].split("]")[0].replace('"', "").split(", ")
    return found


class WorksAtOnce(NslabTest):
    def ping_all(self, lab, text, *options):
        """Everybody everybody at the same time: each pair's first packet."""
        where = addresses(text)
        nodes = [node for node in where if node != "r"]
        for node in nodes:
            others = [address for other in nodes if other != node for address in where[other]]
            script = "\n".join(f"ping -c1 -W1 {' '.join(options)} {address} >/dev/null || echo {address}" for address in others)
            with self.subTest(node=node):
                self.assertEqual(lab.shell(node, script), "", "no answer from these")

    def test_after_each_change_and_back(self):
        for what, (before, after) in CHANGES.items():
            with self.subTest(what), self.lab(before) as lab:
                self.ping_all(lab, before)
                lab.up(after)
                self.ping_all(lab, after)
                lab.up(before)
                self.ping_all(lab, before)

    def test_after_a_cable_was_lost(self):
        with self.lab(LAB) as lab:
            self.ping_all(lab, LAB)
            for netns, interface in (("once.a", "eth0"), ("once", "b.eth0"), ("once.a", "e1")):
                succeed(run("ip", "-n", netns, "link", "delete", interface))
                lab.up(LAB)
                self.ping_all(lab, LAB)
            self.expect(lab.exec("a", "ping", "-c1", "-W1", "10.9.0.2"), 0)

    def test_what_somebody_made_to_stay_stays(self):
        with self.lab(LAB) as lab:
            lab.shell("a", "ip neigh add 10.7.0.99 lladdr 02:00:00:00:00:99 dev eth0; "
                           "ip neigh add 10.7.0.98 lladdr 02:00:00:00:00:98 dev eth0 nud noarp; "
                           "ip neigh add fd00:7::99 lladdr 02:00:00:00:00:99 dev eth0; "
                           "ip neigh add 10.7.0.97 lladdr 02:00:00:00:00:97 dev eth0 protocol zebra nud stale; "
                           "ping -c1 -W1 10.7.0.20")
            succeed(run("bridge", "-n", "once", "fdb", "add", "02:00:00:00:00:99", "dev", "c.eth0", "master", "static"))
            lab.up(swapped(B, '[10.7.0.30, "fd00:7::30"]'))
            known = lab.read("a", "ip", "neigh", "show", "nud", "all")
            for address in ("10.7.0.99", "10.7.0.98", "fd00:7::99", "10.7.0.97"):
                self.assertIn(address, known)
            self.assertNotIn("10.7.0.20", known)
            self.assertIn("02:00:00:00:00:99", succeed(run("bridge", "-n", "once", "fdb", "show", "dev", "c.eth0")).out)

    def test_an_up_that_changes_nothing_of_the_network_lets_all_be(self):
        with self.lab(LAB) as lab:
            self.ping_all(lab, LAB)
            lab.up(LAB.replace("  c: {", "  c: {hostname: other, "))
            self.assertIn("10.7.0.20", lab.read("a", "ip", "neigh"))


if __name__ == "__main__":
    main()
