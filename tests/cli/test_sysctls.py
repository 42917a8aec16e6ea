"""Sysctls are compared by what the kernel makes of them, also those that it does not show."""

import os
import signal
import unittest

from nslab_test import NSLAB, NslabTest, lab_file, main, nslab, residue, run, succeed, take_down_on_failure

VALUES = {
    "net.ipv4.ip_default_ttl": "0x20",
    "net.ipv4.ping_group_range": "0  10",
    "net.ipv4.tcp_rmem": "4096\t8192 16384",
    "net.ipv4.conf.all.log_martians": "1  ",
    "net.ipv4.route.flush": "1",
    "net.ipv6.conf.e1.stable_secret": "2001:db8::1",
}


class Sysctls(NslabTest):
    def test_each_is_no_drift(self):
        for key, value in VALUES.items():
            with self.subTest(key=key):
                lab = lab_file(f"nodes: {{a: {{sysctls: {{{key}: \"{value}\"}}}}, b: {{}}}}\n"
                               "links: ['a:e1 -- b:e1']\n".replace("\t", "\\t"), "sysctls")
                try:
                    succeed(nslab("up", lab))
                    self.assert_nothing_to_do(lab)
                finally:
                    nslab("down", "sysctls")

    def test_of_an_interface_that_setup_makes(self):
        lab = lab_file("nodes: {a: {setup: [ip link add br0 type bridge],"
                       " sysctls: {net.ipv4.conf.br0.rp_filter: 2}}}\n", "sysctls")
        try:
            succeed(nslab("up", lab))
            self.assert_nothing_to_do(lab)
            self.assertEqual(succeed(nslab("exec", "sysctls/a", "--", "sysctl", "-n",
                                           "net.ipv4.conf.br0.rp_filter")).text, "2")
        finally:
            nslab("down", "sysctls")

    def test_of_an_interface_of_setups_that_is_gone(self):
        """With it goes what setup did: its node starts again."""
        file = lab_file("name: sysctls\nnodes: {a: {setup: [ip link add br0 type bridge],"
                        " sysctls: {net.ipv4.conf.br0.rp_filter: 2}}}\n", "sysctls")
        succeed(nslab("up", file))
        self.addCleanup(nslab, "down", "sysctls")
        succeed(run("ip", "-n", "sysctls.a", "link", "del", "br0"))
        self.expect(nslab("plan", file), 0, out=["node:a", "is gone with what setup made"])
        succeed(nslab("up", file))
        self.assert_nothing_to_do(file)
        self.assertEqual(succeed(nslab("exec", "sysctls/a", "sysctl", "-n", "net.ipv4.conf.br0.rp_filter")).text, "2")

    def test_a_former_value_outlives_any_kill(self):
        """Killed before each call with which nslab remembers it."""
        with_it = "name: sysctls\nnodes: {a: {sysctls: {net.ipv4.ip_default_ttl: 32}}}\n"
        without = "name: sysctls\nnodes: {a: {}}\n"
        saved = "/run/nslab/sysctls/sysctl/a:net.ipv4.ip_default_ttl"
        fresh = "/run/nslab/sysctls/.new-a:net.ipv4.ip_default_ttl"
        with self.lab(without) as lab:
            for call in ("openat:when=1", "openat:when=2", "write", "rename", "close"):
                with self.subTest(call=call):
                    name, _, which = call.partition(":")
                    at = ["-P", saved, "-P", fresh, "-e", f"inject={name}:signal=SIGKILL" + (which and f":{which}")]
                    result = run("strace", "-D", "-qq", "-o", "/dev/null", *at, NSLAB, "up", lab_file(with_it))
                    self.assertEqual(result.code, -signal.SIGKILL, str(result))
                    lab.up(with_it)
                    self.assertEqual(lab.read("a", "sysctl", "-n", "net.ipv4.ip_default_ttl"), "32")
                    lab.up(without)
                    self.assertEqual(lab.read("a", "sysctl", "-n", "net.ipv4.ip_default_ttl"), "64")
                    self.assertFalse(os.path.exists(saved))

    def test_what_a_node_cannot_have_is_said(self):
        """Misspelt, the whole host's, of no interface, of no such value: where it stands, and what to do."""
        for key, value, words in (
                ("net.ipv4.ip_forwardd", 1, "either no kernel has one of that name, or it belongs to the whole host"),
                ("net.ipv4.tcp_mem", "1 2 3", "or it belongs to the whole host"),
                ("net.core.rmem_max", 1000000, "it belongs to the whole host: 'sysctl -w net.core.rmem_max=…' there"),
                ("net.ipv4.conf.e2.rp_filter", 1, "there may be no interface 'e2' in node 'a'"),
                ("net.ipv4.ip_default_ttl", 999, "the kernel does not take that value")):
            with self.subTest(key):
                before = residue.snapshot()
                file = lab_file(f"name: sysctls\nnodes:\n  a:\n    sysctls: {{{key}: \"{value}\"}}\n")
                self.expect(nslab("up", file), 1,
                            err=[f"{file}:4:15: error:", f"'{key}'", words, "nothing of lab 'sysctls' is left"])
                self.assert_no_residue(before)
        for key, words in (("vm.swappiness", "it belongs to the whole host"),
                           ("kernel.hostname", "it belongs to the whole host"),
                           ("net/ipv4/ip_forward", "write its parts with dots")):
            with self.subTest(key):
                file = lab_file(f"name: sysctls\nnodes:\n  a:\n    sysctls: {{{key}: 1}}\n")
                self.expect(nslab("validate", file), 2, err=[f"{file}:4:15: error:", f"'{key}' is not", words])


class OfOneInterface(NslabTest):
    """One for all interfaces is written to each by the kernel: what is asked for one of them comes after."""

    TEXT = """name: one
subnets: {lan: 10.79.0.0/24, six: "fd00:79::/64"}
nodes:
  r:
    role: ROLE
    interfaces: {eth0: lan, eth1: six}
    sysctls: {net.ipv4.conf.lo.forwarding: 0, net.ipv4.conf.eth0.forwarding: 0, net.ipv6.conf.eth1.forwarding: 0}
    SETUP
"""

    def test_it_holds_whatever_holds_for_all(self):
        for setup in ("", 'setup: ["true"]', 'services: {s: {command: [sleep, "1000000"]}}'):
            text = self.TEXT.replace("SETUP", setup)
            for roles in (("router",), ("host", "router", "host", "router")):
                with self.subTest(setup, roles=roles), take_down_on_failure():
                    before = residue.snapshot()
                    for role in roles:
                        file = lab_file(text.replace("ROLE", role), "one")
                        succeed(nslab("up", file))
                        self.assert_nothing_to_do(file)
                        values = succeed(nslab("exec", "one/r", "--", "cat", "/proc/sys/net/ipv4/conf/lo/forwarding",
                                               "/proc/sys/net/ipv4/conf/eth0/forwarding",
                                               "/proc/sys/net/ipv6/conf/eth1/forwarding")).out
                        self.assertEqual(values.split(), ["0", "0", "0"])
                    succeed(nslab("down", "one"))
                    self.assert_no_residue(before)


if __name__ == "__main__":
    main()
