"""A node that starts again begins with a clean network namespace: what its setup lines did
is there once, what a line did that is gone is gone, whatever it was; and its cables, with
all that is at their other ends, are those of before.
"""

import json
import os
import signal
import subprocess
import unittest

from nslab_test import Lab, NslabTest, eventually, killed_at_the_end, lab_file, main, nslab, residue, run, succeed

# (setup lines, a command, what it prints once where they have run). The node's cable is e1.
TABLE = {
    "qdisc": (["tc qdisc add dev e1 root tbf rate 1mbit burst 10k latency 50ms"], "tc qdisc show dev e1", "tbf"),
    "filter": (["tc qdisc add dev e1 clsact", "tc filter add dev e1 ingress protocol ip matchall action ok"],
               "tc filter show dev e1 ingress", "handle"),
    "nft": (["nft add table inet t", "nft add chain inet t c", "nft add rule inet t c counter"],
            "nft list ruleset", "counter"),
    "iptables": (["iptables -N LAB", "iptables -A LAB -p icmp -j ACCEPT"], "iptables -S LAB 2>&1", "-A LAB"),
    "rule": (["ip rule add fwmark 7 table 100"], "ip rule", "fwmark 0x7"),
    "table": (["ip route add blackhole 10.66.0.0/16 table 100"], "ip route show table 100", "10.66.0.0"),
    "route": (["ip route add 10.67.0.0/16 dev e1"], "ip route", "10.67.0.0"),
    "nexthop": (["ip nexthop add id 7 blackhole"], "ip nexthop", "id 7 "),
    "neighbour": (["ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev e1"], "ip neigh show dev e1 nud permanent",
                  "10.0.0.9"),
    "label": (["ip addrlabel add prefix 2001:db8:7::/48 label 99"], "ip addrlabel", "2001:db8:7::/48"),
    "xfrm": (["ip xfrm policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir out action block"], "ip xfrm policy", "dir out"),
    "sysctl": (["echo 1 >/proc/sys/net/ipv4/conf/e1/proxy_arp"], "cat /proc/sys/net/ipv4/conf/e1/proxy_arp", "1"),
    "address": (["ip address add 10.9.9.9/32 dev e1"], "ip -4 -o address show dev e1", "10.9.9.9"),
    "address of lo": (["ip address add 10.9.9.9/32 dev lo"], "ip -4 -o address show dev lo", "10.9.9.9"),
    "mtu of lo": (["ip link set lo mtu 9000"], "cat /sys/class/net/lo/mtu", "9000"),
    "flags": (["ip link set e1 promisc on allmulticast on multicast off"], "ip link show dev e1", ",ALLMULTI,PROMISC,"),
    "queue": (["ip link set e1 txqueuelen 77"], "ip link show dev e1", "qlen 77"),
    "segments": (["ip link set e1 gso_max_segs 17"], "ip -d link show dev e1", "gso_max_segs 17"),
    "another name": (["ip link property add dev e1 altname uplink"], "ip link show dev e1", "altname uplink"),
    "offloads": (["ethtool -K e1 tx off"], "ethtool -k e1", "tx-checksumming: off"),
    "bridge": (["ip link add br0 type bridge", "ip link set br0 up"], "ip -o link show type bridge", "br0"),
    "veth": (["ip link add v0 type veth peer name v1"], "ip -o link show type veth", "v1@v0"),
    "dummy": (["ip link add d0 type dummy"], "ip -o link", " d0:"),
    "vlan": (["ip link add link e1 name e1.7 type vlan id 7"], "ip -o link", " e1.7@e1:"),
    "macvlan": (["ip link add link e1 name m0 type macvlan mode bridge"], "ip -o link", " m0@e1:"),
    "vxlan": (["ip link add x0 type vxlan id 7 dev e1 dstport 4789 group 239.1.1.1"], "ip -o link", " x0:"),
    "ipip": (["ip tunnel add t0 mode ipip remote 10.0.0.9"], "ip -o link", " t0@"),
    "gre": (["ip tunnel add g0 mode gre remote 10.0.0.9"], "ip -o link", " g0@"),
    "inner": (["ip netns add inner", "ip link add i0 type veth peer name i1 netns inner",
               "ip -n inner link set i1 up"], "ip -o link", " i0@"),
    "inner on the cable": (["ip netns add inner",
                            "ip link add link e1 name m0 netns inner type macvlan mode bridge"],
                           "ip -n inner -o link", " m0@"),
}

# These are tried with every kernel: the rest where it and the host have them.
EVERYWHERE = {"qdisc", "rule", "table", "route", "neighbour", "address", "flags", "queue", "bridge", "veth", "inner"}


def is_there(lines):
    """Whether this kernel and host can do it, in a namespace like the node's."""
    script = "; ".join(["ip link add e1 type veth peer name e2", "ip link set lo up", "ip link set e1 up",
                        "mkdir -p /run/netns", "set -e", *lines])
    return subprocess.run(["unshare", "--net", "--mount", "sh", "-c", script], capture_output=True).returncode == 0


def node_names(rows):
    return {name: f"n{number}" for number, name in enumerate(rows)}


def lab_of(rows, version, setup=True):
    """A node for each row, with a cable to the hub."""
    lines = ["name: restart", f'defaults: {{environment: {{V: "{version}"}}}}', "nodes:", "  hub: {environment: {V: x}}"]
    links = []
    for number, (name, node) in enumerate(node_names(rows).items()):
        commands = json.dumps(TABLE[name][0] if setup else [])
        lines.append(f"  {node}: {{setup: {commands}}}")
        links.append(f'  - {{ends: ["{node}:e1", "hub:p{number}"], subnet: 10.77.{number}.0/24}}')
    return "\n".join([*lines, "links:", *links, ""])


class SetupRunsAgain(NslabTest):
    def check(self, lab, rows, times):
        for name, node in node_names(rows).items():
            with self.subTest(name):
                _, command, effect = TABLE[name]
                printed = lab.exec(node, "sh", "-c", command)
                self.assertEqual(printed.out.count(effect), times, str(printed))

    def check_hub(self, lab, identity):
        self.assertEqual(lab.identity("hub"), identity)
        self.assertIn("10.5.5.5", lab.read("hub", "ip", "-o", "address", "show", "dev", "p0"))
        self.assertIn("tbf", lab.read("hub", "tc", "qdisc", "show", "dev", "p0"))

    def test_whatever_it_did(self):
        rows = [name for name, (lines, _, _) in TABLE.items() if is_there(lines)]
        self.assertLessEqual(EVERYWHERE, set(rows))
        with self.lab(lab_of(rows, 1)) as lab:
            lab.shell("hub", "ip address add 10.5.5.5/32 dev p0; "
                             "tc qdisc add dev p0 root tbf rate 1mbit burst 10k latency 50ms")
            hub = lab.identity("hub")
            self.check(lab, rows, 1)

            lab.up(lab_of(rows, 2))
            self.check(lab, rows, 1)
            self.check_hub(lab, hub)
            for number, node in enumerate(node_names(rows).values()):
                with self.subTest(node):
                    self.expect(lab.exec("hub", "ping", "-c1", "-W1", f"10.77.{number}.1"), 0)

            for node in node_names(rows).values():
                os.kill(lab.init(node), signal.SIGKILL)
            eventually(lambda: not any(lab.processes(node) for node in node_names(rows).values()), "the nodes end")
            lab.up(lab_of(rows, 2))
            self.check(lab, rows, 1)
            self.check_hub(lab, hub)

            lab.up(lab_of(rows, 2, setup=False))
            self.check(lab, rows, 0)
            self.check_hub(lab, hub)
            self.assert_nothing_to_do(lab_file(lab_of(rows, 2, setup=False), "restart"))


TWO = """
name: restart
subnets: {lan: 10.5.0.0/24}
nodes:
  a: {interfaces: {eth0: lan}, setup: [ip rule add fwmark 7 table 100, tc qdisc add dev e1 root tbf rate 1mbit burst 10k latency 50ms]}
  b: {interfaces: {eth0: lan}}
links: [{ends: ["a:e1", "b:e1"], subnet: 10.6.0.0/24}]
"""
ANOTHER = TWO.replace("fwmark 7", "fwmark 8")


class Namespace(NslabTest):
    def marks(self, lab, node="a"):
        return lab.shell(node, "ip rule | grep -o 'fwmark.*' | tr '\\n' ' '")

    def test_its_names_lead_into_the_new_one(self):
        with self.lab(TWO) as lab:
            before = os.stat(lab.netns("a")).st_ino
            lab.up(ANOTHER)
            self.assertNotEqual(os.stat(lab.netns("a")).st_ino, before)
            self.assertEqual(os.stat(f"/proc/{lab.init('a')}/ns/net").st_ino, os.stat(lab.netns("a")).st_ino)
            inside = succeed(run("ip", "netns", "exec", "restart.a", "ip", "rule")).out
            self.assertEqual(inside.count("fwmark"), 1)

    def test_whose_names_were_taken_away(self):
        with self.lab(TWO) as lab:
            hub = lab.identity("b")
            succeed(run("umount", "/run/nslab/restart/ns/a"))
            os.unlink("/run/netns/restart.a")
            lab.up(ANOTHER)
            self.assertEqual(self.marks(lab), "fwmark 0x8 lookup 100")
            self.assertEqual(lab.identity("b"), hub)
            self.assert_nothing_to_do(lab_file(ANOTHER, "restart"))

    def test_of_a_node_with_users_of_its_own(self):
        private = "a: {namespaces: {user: private}, "
        with self.lab(TWO.replace("a: {", private)) as lab:
            lab.up(ANOTHER.replace("a: {", private))
            self.assertEqual(self.marks(lab), "fwmark 0x8 lookup 100")
            self.expect(lab.exec("a", "ping", "-c1", "-W1", "10.6.0.2"), 0)

    def test_nodes_that_share_it_start_again_together(self):
        shared = TWO.replace("links:", "  c: {namespaces: {net: 'node:a'}, setup: [ip rule add fwmark 9 table 100]}\nlinks:")
        with self.lab(shared) as lab:
            first = {node: lab.init(node) for node in "abc"}
            lab.up(shared.replace("fwmark 9", "fwmark 10"))
            again = {node: lab.init(node) for node in "abc"}
            self.assertEqual([node for node in "abc" if first[node] != again[node]], ["a", "c"])
            self.assertEqual(sorted(self.marks(lab).replace("lookup 100", "").split()),
                             ["0x7", "0xa", "fwmark", "fwmark"])
            lab.up(TWO)  # without c, whose line is gone
            self.assertEqual(self.marks(lab), "fwmark 0x7 lookup 100")

    def test_who_is_in_the_old_one_is_named_and_in_nobodys_way(self):
        with self.lab(TWO) as lab:
            with killed_at_the_end(subprocess.Popen(["ip", "netns", "exec", "restart.a", "sleep", "1000"])) as foreign:
                eventually(lambda: os.stat(f"/proc/{foreign.pid}/ns/net").st_ino == os.stat(lab.netns("a")).st_ino,
                           "it is in the node's namespace")
                changed = nslab("up", lab_file(ANOTHER, "restart"))
                self.expect(changed, 0, err=["warning: ", f"sleep (pid {foreign.pid}) in a", "hint: "])
                self.assertEqual(changed.err.count(f"(pid {foreign.pid})"), 1)
                self.assertEqual(self.marks(lab), "fwmark 0x8 lookup 100")
                self.assert_nothing_to_do(lab_file(ANOTHER, "restart"))
            lab.up(TWO)
            self.assertEqual([name for name in os.listdir("/run/nslab/restart/ns") if name.startswith("left")], [])

    def test_down_knows_who_is_in_an_old_one(self):
        before = residue.snapshot()
        with self.lab(TWO) as lab:
            with killed_at_the_end(subprocess.Popen(["ip", "netns", "exec", "restart.a", "sleep", "1000"])) as foreign:
                eventually(lambda: os.stat(f"/proc/{foreign.pid}/ns/net").st_ino == os.stat(lab.netns("a")).st_ino,
                           "it is in the node's namespace")
                lab.up(ANOTHER)
                self.expect(nslab("down", "restart"), 1, err=f"sleep (pid {foreign.pid}) in a")
            succeed(nslab("down", "restart"))
            self.assert_no_residue(before)
            succeed(nslab("up", lab_file(TWO, "restart")))

    def test_a_change_that_fails_goes_back_to_a_clean_one(self):
        with self.lab(TWO) as lab:
            b = lab.identity("b")
            failing = ANOTHER.replace("root tbf", "root nonsense")
            self.expect(nslab("up", lab_file(failing, "restart")), 1, err="root nonsense")
            self.assertEqual(self.marks(lab), "fwmark 0x7 lookup 100")
            self.assertIn("tbf", lab.read("a", "tc", "qdisc", "show", "dev", "e1"))
            self.assertEqual(lab.identity("b"), b)
            self.assert_nothing_to_do(lab_file(TWO, "restart"))


class CableMadeAnew(NslabTest):
    """What setup did to an interface is lost with it: the plan says who starts again for it."""

    def restarted(self, lab, change):
        first = {node: lab.init(node) for node in "ab"}
        change()
        return [node for node in "ab" if lab.init(node) != first[node]]

    def test_that_was_deleted_by_hand(self):
        with self.lab(TWO) as lab:
            succeed(run("ip", "-n", "restart.b", "link", "delete", "e1"))
            told = succeed(nslab("plan", lab_file(TWO, "restart"))).out
            self.assertIn("e1 is made anew, and what setup did to it is lost", told)
            self.assertEqual(self.restarted(lab, lambda: lab.up(TWO)), ["a"])
            self.assertIn("tbf", lab.read("a", "tc", "qdisc", "show", "dev", "e1"))
            self.expect(lab.exec("a", "ping", "-c1", "-W1", "10.6.0.2"), 0)
            self.assert_nothing_to_do(lab_file(TWO, "restart"))

    def test_in_silence(self):
        with self.lab(TWO) as lab:
            succeed(run("ip", "-n", "restart.b", "link", "delete", "e1"))
            self.assertEqual(self.restarted(lab, lambda: nslab("-q", "up", lab_file(TWO, "restart"))), ["a"])

    def test_whose_other_end_is_another_interface_now(self):
        moved = TWO.replace('"b:e1"', '"b:e2"')
        with self.lab(TWO) as lab:
            self.assertEqual(self.restarted(lab, lambda: lab.up(moved)), ["a"])
            self.assertIn("tbf", lab.read("a", "tc", "qdisc", "show", "dev", "e1"))

    def test_a_new_one_is_none(self):
        more = TWO.replace("links: [", 'links: ["a:e7 -- b:e7", ')
        with self.lab(TWO) as lab:
            self.assertEqual(self.restarted(lab, lambda: lab.up(more)), [])


if __name__ == "__main__":
    main()
