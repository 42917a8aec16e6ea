"""What setup does to an interface stays where the file is silent, and is an error where the
file says otherwise: never undone in silence."""

import unittest

from features import needs
from nslab_test import NslabTest, lab_file, main, nslab, residue, succeed

# What setup does to e1, what then shows it (a command in the node and its output's part).
STAYS = {
    "master": ("ip link add br0 type bridge && ip link set e1 master br0", "ip link show e1", "master br0"),
    "mtu": ("ip link set e1 mtu 1400", "ip link show e1", "mtu 1400"),
    "mac": ("ip link set e1 address 02:00:00:00:00:77", "ip link show e1", "02:00:00:00:00:77"),
    "down": ("ip link set e1 down", "ip link show e1", "state DOWN"),
    "hostname": ("hostname other", "hostname", "other"),
    "addrgenmode": ("ip link set e1 addrgenmode none", "ip -d link show e1", "addrgenmode none"),
    "promisc": ("ip link set e1 promisc on", "ip link show e1", "PROMISC"),
    "txqueuelen": ("ip link set e1 txqueuelen 77", "ip link show e1", "qlen 77"),
    "address": ("ip address add 10.77.0.1/24 dev e1", "ip address show e1", "10.77.0.1/24"),
}

# What the file says of node a and its link, what setup does, what the error says of it.
BROKEN = {
    "mtu": ("", ", mtu: 1400", "ip link set e1 mtu 1300", "a:e1 mtu is 1300, not 1400"),
    "subnet": ("", ", subnet: 10.78.0.0/24", "ip address flush dev e1", "address:a/e1/10.78.0.1/24 is gone"),
    "hostname": ("hostname: one, ", "", "hostname other", "hostname is other, not one"),
    "ipv6": ("", ", ipv6: link-local", "ip link set e1 addrgenmode none", "a:e1 ipv6 is no, not yes"),
    "rename": ("", "", "ip link set e1 down && ip link set e1 name wan0", "a:e1 found as is wan0"),
    "away": ("", "", "ip netns add inner && ip link set e1 netns inner", "a:e1 is gone, or has another alias"),
}


def file(setup, node="", link="", name="setupif"):
    return lab_file(f"nodes: {{a: {{{node}setup: ['{setup}']}}, b: {{}}}}\n"
                    f"links: [{{ends: 'a:e1 -- b:e1'{link}}}]\n", name)


class SetupAndInterfaces(NslabTest):
    def test_what_the_file_does_not_say_stays(self):
        for what, (setup, shows, part) in STAYS.items():
            with self.subTest(what=what):
                lab = file(setup)
                try:
                    succeed(nslab("up", lab))
                    seen = succeed(nslab("exec", "setupif/a", "--", *shows.split())).out
                    self.assertIn(part, seen)
                    self.assert_nothing_to_do(lab)
                    succeed(nslab("up", lab))
                    seen = succeed(nslab("exec", "setupif/a", "--", *shows.split())).out
                    self.assertIn(part, seen)
                finally:
                    nslab("down", "setupif")

    def test_what_the_file_says_is_an_error(self):
        for what, (node, link, setup, message) in BROKEN.items():
            with self.subTest(what=what):
                before = residue.snapshot()
                self.expect(nslab("up", file(setup, node, link)), 1,
                            err=["setup of node 'a' has changed what the lab file says", message])
                self.assertNotIn("setupif", nslab("ls").out)
                self.assertFalse(residue.settled(before))

    def test_a_key_that_is_taken_out_is_undone(self):
        try:
            succeed(nslab("up", file("true", link=", mtu: 1400")))
            succeed(nslab("up", file("true")))
            self.assertIn("mtu 1500", succeed(nslab("exec", "setupif/a", "--", "ip", "link", "show", "e1")).out)
        finally:
            nslab("down", "setupif")

    def test_drift_names_the_cable_by_its_ends(self):
        lab = file("true", link=", mtu: 1400")
        try:
            succeed(nslab("up", lab))
            succeed(nslab("exec", "setupif/b", "--", "ip", "link", "set", "e1", "mtu", "1300"))
            self.expect(nslab("plan", lab), 0, out=["cable a:e1 -- b:e1", "b:e1 mtu 1300 → 1400"])
        finally:
            nslab("down", "setupif")


class AnyMtu(NslabTest):
    def test_from_68_on(self):
        for mtu in (68, 1279, 1280, 65535):
            with self.subTest(mtu=mtu):
                try:
                    succeed(nslab("up", lab_file(f"subnets: {{n: {{cidr: 10.79.0.0/24, mtu: {mtu}}}}}\n"
                                                 "nodes: {a: {interfaces: {eth0: n}}}\n", "anymtu")))
                finally:
                    nslab("down", "anymtu")


class LinkLocal(NslabTest):
    def test_usable_at_once_and_as_a_next_hop(self):
        lab = lab_file("nodes: {a: {routes: [{to: 'fd77::/64', via: 'fe80::1', dev: e1}]}, b: {}}\n"
                       "links: ['a:e1 -- b:e1']\n", "linklocal")
        try:
            succeed(nslab("up", lab))
            seen = succeed(nslab("exec", "linklocal/a", "--", "ip", "-6", "address", "show", "dev", "e1")).out
            self.assertIn("fe80::", seen)
            self.assertNotIn("tentative", seen)
            self.assert_nothing_to_do(lab)
        finally:
            nslab("down", "linklocal")

    def test_both_ends_on_one_node(self):
        lab = lab_file("nodes: {a: {}}\nlinks: ['a:e1 -- a:e2']\n", "loop")
        try:
            succeed(nslab("up", lab))
            self.assert_nothing_to_do(lab)
        finally:
            succeed(nslab("down", "loop"))


class ForeignMarks(NslabTest):
    def test_a_copied_alias_is_nobodys_mark(self):
        lab = lab_file("nodes: {a: {}, b: {}}\nlinks: [{ends: 'a:e1 -- b:e1', mtu: 1400}]\n", "marks")
        try:
            succeed(nslab("up", lab))
            alias, = [link["ifalias"] for link in residue.ip("-n", "marks.a", "link") if link["ifname"] == "e1"]
            succeed(nslab("exec", "marks/b", "--", "ip", "link", "add", "fake", "type", "veth", "peer", "name", "fake2"))
            succeed(nslab("exec", "marks/b", "--", "ip", "link", "set", "fake", "alias", alias))
            self.assert_nothing_to_do(lab)
            succeed(nslab("exec", "marks/a", "--", "ip", "link", "set", "e1", "mtu", "1300"))
            succeed(nslab("up", lab))
            succeed(nslab("exec", "marks/b", "--", "ip", "link", "show", "fake"))
        finally:
            succeed(nslab("down", "marks"))


    def test_another_alias_is_told_and_an_altname_stays(self):
        text = "nodes: {{a: {{setup: ['{}']}}, b: {{}}}}\nlinks: [{{ends: 'a:e1 -- b:e1'}}]\n"
        self.expect(nslab("up", lab_file(text.format("ip link set e1 alias uplink"), "marks")), 1,
                    err=["a:e1 is gone, or has another alias", "altname"])
        lab = lab_file(text.format("ip link property add dev e1 altname uplink"), "marks")
        try:
            succeed(nslab("up", lab))
            self.assert_nothing_to_do(lab)
        finally:
            succeed(nslab("down", "marks"))


@needs("sit")
class TunnelModules(NslabTest):
    def test_down_is_gone(self):
        lab = lab_file("nodes: {a: {}, b: {}}\nlinks: ['a:e1 -- b:e1']\n", "tunnels")
        succeed(nslab("up", lab))
        self.assert_nothing_to_do(lab)
        self.expect(nslab("down", "tunnels"), 0, out=["is gone"])


if __name__ == "__main__":
    main()
