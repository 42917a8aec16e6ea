"""What was changed by hand is seen as exactly that, and `up` mends exactly that."""

import os
import unittest

from nslab_test import Lab, NslabTest, eventually, lab_file, main, nslab, residue, run, sandbox, succeed

LAB = """
name: drift
subnets: {net: 10.90.0.0/24}
nodes:
  r:
    role: router
    interfaces: {eth0: net}
    sysctls: {net.ipv4.conf.all.rp_filter: 2}
    files: {/etc/motd: "welcome\\n"}
    mounts: {/data: {tmpfs: 1M}}
    services: {sleeper: {command: [sleep, infinity]}}
  a:
    interfaces: {eth0: net}
    hostname: alpha
    routes: [{to: 10.91.0.0/16, via: 10.90.0.1}]
    limits: {pids: 40, memory: 64M}
    services:
      sleeper: {command: [sleep, infinity]}
      other: {command: [sleep, "1000000"]}
links: [{ends: [{interface: r:eth1, mac: "02:00:00:00:01:01"}, a:eth1], mtu: 1500}]
"""

FILE = lab_file(LAB, "drift")


def shown(which):
    """People know a cable by its ends."""
    return which.replace("veth:", "cable ").replace("/", ":") if which.startswith("veth:") else which


class Drift(NslabTest):
    @classmethod
    def setUpClass(cls):
        cls.before = residue.snapshot()
        succeed(nslab("up", FILE))

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "drift"))
        found = residue.settled(cls.before)
        assert not found, found

    def setUp(self):
        self.running = Lab("drift")
        succeed(nslab("up", FILE))  # one test's failure is not the next one's
        self.identities = self.identity()

    def identity(self):
        return {node: self.running.identity(node) for node in "ra"}

    def in_node(self, node, command):
        succeed(run("ip", "netns", "exec", f"drift.{node}", *command.split()))

    def mended(self, *steps, changes=()):
        """plan shows these steps and no others, up makes them, and nothing else is touched.

        `changes` are the (node, part) of the identity that may differ afterwards.
        """
        plan = succeed(nslab("plan", FILE, "--json")).json
        self.assertEqual(sorted((step["action"], step["id"]) for step in plan["steps"]), sorted(steps))
        self.assertTrue(all(step["drift"] for step in plan["steps"]), plan)
        text = self.expect(nslab("plan", FILE, "--check"), 3).out
        for _, which in steps:
            self.assertIn(shown(which), text)
        self.assertIn("drift", text)
        self.expect(nslab("status", "drift", "--check"), 3, out=[shown(steps[0][1])])
        succeed(nslab("up", FILE))
        self.assert_nothing_to_do(FILE)
        after = self.identity()
        for node, parts in self.identities.items():
            for part, value in parts.items():
                if (node, part) not in changes:
                    self.assertEqual(after[node][part], value, (node, part))
        self.assertEqual(succeed(nslab("exec", "drift/a", "--", "ping", "-c1", "-W1", "10.90.0.1")).code, 0)

    # Interfaces, addresses, routes

    def test_an_interface_that_was_deleted(self):
        self.in_node("a", "ip link del eth0")
        plan = self.plan(FILE)
        self.assertIn(("create", "veth:a/eth0"), plan)
        self.assertTrue(all("a/eth0" in step or "route:a" in step for _, step in plan), plan)
        succeed(nslab("up", FILE))
        self.assert_nothing_to_do(FILE)
        after = self.identity()
        self.assertEqual(after["r"], self.identities["r"])
        for part in ("init", "services"):
            self.assertEqual(after["a"][part], self.identities["a"][part])
        self.assertEqual(after["a"]["links"]["eth1"], self.identities["a"]["links"]["eth1"])
        self.assertEqual(succeed(nslab("exec", "drift/a", "--", "ping", "-c1", "-W1", "10.90.0.1")).code, 0)

    def test_a_cable_between_nodes_that_was_deleted(self):
        self.in_node("a", "ip link del eth1")
        self.mended(("create", "veth:r/eth1"), changes=[("a", "links"), ("r", "links")])
        for node in "ra":
            self.assertEqual(self.running.links(node)["eth0"], self.identities[node]["links"]["eth0"])

    def test_an_interface_that_was_taken_down(self):
        """Routes of the file went with it."""
        self.in_node("a", "ip link set eth0 down")
        self.mended(("change", "veth:a/eth0"), ("create", "route:a/10.91.0.0/16"), ("create", "route:a/default"))

    def test_an_interface_whose_mtu_or_mac_was_changed(self):
        self.in_node("a", "ip link set eth1 mtu 1400")
        self.mended(("change", "veth:r/eth1"))
        self.in_node("r", "ip link set eth1 address 02:00:00:00:00:77")
        self.mended(("change", "veth:r/eth1"))

    def test_a_port_that_was_taken_off_its_bridge(self):
        port, = [link["ifname"] for link in residue.ip("-n", "drift", "link", "show", "master", "net")
                 if "a.eth0" in link["ifname"]]
        succeed(run("ip", "-n", "drift", "link", "set", port, "nomaster"))
        self.mended(("change", "veth:a/eth0"))

    def test_a_port_that_does_not_pass_everything(self):
        """Decision 20: the switch is nslab's in all."""
        for settings in ("state 0", "isolated on", "learning off", "flood off", "mcast_flood off bcast_flood off",
                         "hairpin on guard on", "root_block on"):
            with self.subTest(settings):
                succeed(run("bridge", "-n", "drift", "link", "set", "dev", "a.eth0", *settings.split()))
                self.mended(("change", "veth:a/eth0"))

    def test_another_interface_in_the_place_of_a_bridge(self):
        succeed(run("ip", "-n", "drift", "link", "del", "net"))
        succeed(run("ip", "-n", "drift", "link", "add", "net", "type", "ifb"))
        self.addCleanup(run, "ip", "-n", "drift", "link", "del", "net")
        for words in (["plan"], ["up"]):
            self.expect(nslab(*words, FILE), 1, err=["the lab's switch has an interface 'net' that nslab did not make"])

    def test_a_tmpfs_that_is_another(self):
        """What is in it stays."""
        self.running.shell("r", "echo kept > /data/f")
        for command in ("mount -o remount,size=9M /data", "chmod 0700 /data", "chown 5:5 /data",
                        "mount -o remount,ro /data", "mount -o remount,bind,ro /data"):
            with self.subTest(command):
                self.running.shell("r", command)
                self.mended(("change", "mount:r/data"))
                self.assertEqual(self.running.shell("r", "cat /data/f; stat -c '%a %u %g' /data; df -k --output=size /data"),
                                 "kept\n755 0 0\n1K-blocks\n     1024")

    def test_the_loopback_is_down(self):
        self.in_node("r", "ip link set lo down")
        self.mended(("change", "netns:r"))
        succeed(nslab("exec", "drift/r", "--", "ping", "-c1", "-W1", "10.90.0.1"))

    def test_an_address_that_would_end(self):
        self.in_node("a", "ip addr change 10.90.0.2/24 dev eth0 valid_lft 600 preferred_lft 600")
        self.mended(("change", "address:a/eth0/10.90.0.2/24"))
        self.assertNotIn("600sec", run("ip", "-n", "drift.a", "addr").out)
        self.in_node("a", "ip addr change 10.90.0.2/24 dev eth0 valid_lft forever preferred_lft 0")
        self.mended(("change", "address:a/eth0/10.90.0.2/24"))

    def test_a_bridge_that_was_deleted(self):
        succeed(run("ip", "-n", "drift", "link", "del", "net"))
        self.assertIn(("create", "bridge:net"), self.plan(FILE))
        succeed(nslab("up", FILE))
        self.assert_nothing_to_do(FILE)
        self.assertEqual(self.identity(), self.identities)
        self.assertEqual(succeed(nslab("exec", "drift/a", "--", "ping", "-c1", "-W1", "10.90.0.1")).code, 0)

    def test_an_address_that_was_removed(self):
        self.in_node("r", "ip address del 10.90.0.1/24 dev eth0")
        self.mended(("create", "address:r/eth0/10.90.0.1/24"))

    def test_an_address_that_was_added(self):
        """It is nobody's mark that it carries: it stays, and disturbs nothing."""
        self.in_node("a", "ip address add 10.90.0.99/24 dev eth0")
        self.assert_nothing_to_do(FILE)
        succeed(nslab("up", FILE))
        self.in_node("a", "ip address del 10.90.0.99/24 dev eth0")

    def test_a_route_that_was_removed(self):
        self.in_node("a", "ip route del 10.91.0.0/16")
        self.mended(("create", "route:a/10.91.0.0/16"))

    def test_a_route_that_was_changed(self):
        self.in_node("a", "ip route replace 10.91.0.0/16 via 10.90.0.77")
        self.mended(("change", "route:a/10.91.0.0/16"))

    def test_the_default_route_that_was_removed(self):
        self.in_node("a", "ip route del default")
        self.mended(("create", "route:a/default"))

    def test_a_table_that_was_emptied(self):
        """With the routes that the kernel made for the addresses, without which no other can be added."""
        self.in_node("a", "ip route flush table main")
        plan = succeed(nslab("plan", FILE, "--json")).json
        self.assertIn(("change", "address:a/eth0/10.90.0.2/24"), {(step["action"], step["id"]) for step in plan["steps"]})
        self.assertIn("network-is-routed no → yes", succeed(nslab("plan", FILE)).out)
        succeed(nslab("up", FILE))
        self.assert_nothing_to_do(FILE)
        self.assertEqual(succeed(nslab("exec", "drift/a", "--", "ping", "-c1", "-W1", "10.90.0.1")).code, 0)

    # Sysctls, limits, the host name

    def test_a_sysctl_that_was_changed(self):
        self.in_node("r", "sysctl -qw net.ipv4.conf.all.rp_filter=0")
        self.mended(("change", "sysctl:r/net.ipv4.conf.all.rp_filter"))

    def test_forwarding_that_was_turned_off(self):
        self.in_node("r", "sysctl -qw net.ipv4.ip_forward=0")
        self.mended(("change", "sysctl:r/net.ipv4.ip_forward"))

    def test_a_limit_that_was_changed(self):
        limit, = [path for root in sandbox.cgroup_roots() for path in root.glob("*/drift/a/pids.max")]
        limit.write_text("10")
        self.mended(("change", "cgroup:a"))
        self.assertEqual(self.running.limit("a", "pids"), 40)

    def test_a_hostname_that_was_changed(self):
        succeed(run("nsenter", "-t", self.running.init("a"), "-u", "hostname", "beta"))
        self.mended(("change", "node:a"))
        self.assertEqual(self.running.read("a", "hostname"), "alpha")

    # Files and mounts

    def test_a_file_that_was_changed_or_removed(self):
        self.running.shell("r", "echo hello >/etc/motd")
        self.mended(("change", "file:r/etc/motd"))
        self.running.shell("r", "rm /etc/motd")
        self.mended(("create", "file:r/etc/motd"))
        self.assertEqual(self.running.read("r", "cat", "/etc/motd"), "welcome")

    def test_a_mount_that_was_unmounted(self):
        self.running.shell("r", "umount /data")
        self.mended(("create", "mount:r/data"))
        self.assertEqual(self.running.read("r", "stat", "-f", "-c", "%T", "/data"), "tmpfs")

    # Services, the init, names

    def test_a_service_that_was_killed(self):
        services = self.running.services("a")
        succeed(run("kill", "-KILL", services["sleep infinity"]))
        eventually(lambda: "sleep infinity" not in self.running.services("a"), "it is gone")
        self.mended(("replace", "service:a/sleeper"), changes=[("a", "services")])
        after = self.running.services("a")
        self.assertEqual(after["sleep 1000000"], services["sleep 1000000"])
        self.assertNotEqual(after["sleep infinity"], services["sleep infinity"])

    def test_an_init_that_was_killed(self):
        """The node starts again; its cables have outlived it, and its neighbours notice nothing."""
        succeed(run("kill", "-KILL", self.running.init("a")))
        eventually(lambda: not self.running.processes("a"), "all its processes are gone")
        self.assertEqual(self.running.links("a"), self.identities["a"]["links"])
        steps = self.plan(FILE)
        self.assertIn(("create", "node:a"), steps)
        self.assertIn(("change", "netns:a"), steps)
        self.assertEqual({action for action, which in steps if which.startswith("veth:")}, {"change"})
        self.assertFalse([step for step in steps if "r/" in step[1] and step[0] != "change"], steps)
        succeed(nslab("up", FILE))
        self.assert_nothing_to_do(FILE)
        after = self.identity()
        self.assertEqual(after["r"], self.identities["r"])
        self.assertEqual(after["a"]["links"], self.identities["a"]["links"])
        self.assertNotEqual(after["a"]["init"], self.identities["a"]["init"])
        self.assertEqual(len(after["a"]["services"]), 2)

    def test_a_name_that_was_removed(self):
        succeed(run("rm", "/run/netns/drift.a"))
        plan = self.plan(FILE)
        self.assertEqual([step for _, step in plan], ["netns:a"], plan)
        succeed(nslab("up", FILE))
        self.assert_nothing_to_do(FILE)
        self.assertEqual(self.identity(), self.identities)

    def test_status_without_drift_and_with_it(self):
        self.assertEqual(succeed(nslab("status", "drift", "--json")).json["drift"]["steps"], [])
        self.in_node("a", "ip route del 10.91.0.0/16")
        step, = succeed(nslab("status", "drift", "--json")).json["drift"]["steps"]
        self.assertEqual(step["id"], "route:a/10.91.0.0/16")
        self.assertTrue(step["line"])
        self.mended(("create", "route:a/10.91.0.0/16"))

    def test_everything_at_once(self):
        self.in_node("a", "ip link del eth0")
        self.in_node("r", "sysctl -qw net.ipv4.ip_forward=0")
        succeed(run("kill", "-KILL", self.running.init("r")))
        eventually(lambda: not self.running.processes("r"), "all its processes are gone")
        succeed(nslab("up", FILE))
        self.assert_nothing_to_do(FILE)
        self.assertEqual(succeed(nslab("exec", "drift/a", "--", "ping", "-c1", "-W1", "10.90.0.1")).code, 0)


IPV6 = """
name: six
subnets: {lan: "fd00:90::/64"}
nodes:
  a: {interfaces: {eth0: lan, e.0: lan}}
  b: {interfaces: {eth0: lan}}
links: [{ends: ["a:wire", "b:wire"], ipv6: link-local}]
"""


class Ipv6SwitchedOff(NslabTest):
    """The kernel takes all IPv6 addresses, and no new ones until it is switched on again."""

    def test_in_a_node_or_an_interface(self):
        before = residue.snapshot()
        file = lab_file(IPV6, "six")
        succeed(nslab("up", file))
        try:
            for where in ("all", "eth0", "e/0", "wire"):
                with self.subTest(where):
                    key = f"net/ipv6/conf/{where.replace('/', '.')}/disable_ipv6"
                    succeed(run("ip", "netns", "exec", "six.a", "sysctl", "-qw", key + "=1"))
                    self.expect(nslab("plan", file, "--check"), 3, out="drift")
                    succeed(nslab("up", file))
                    self.assert_nothing_to_do(file)
                    succeed(nslab("exec", "six/a", "--", "ping", "-c1", "-W2", "fd00:90::3"))
                    succeed(nslab("exec", "six/a", "--", "ping", "-c1", "-W2", "ff02::1%wire"))
        finally:
            succeed(nslab("down", "six"))
        self.assert_no_residue(before)

    def test_what_takes_its_addresses_or_routes(self):
        """Each of it by hand, and `up` mends it: nothing that it makes anew is refused."""
        before = residue.snapshot()
        text = IPV6.replace('lan: "fd00:90::/64"', 'lan: ["fd00:90::/64", 10.90.0.0/24]')
        file = lab_file(text, "six")
        succeed(nslab("up", file))
        try:
            for how in ("-n six.a link set eth0 mtu 1200", "-n six.a link set wire mtu 1200",
                        "-n six.a -4 route flush table all", "-n six.b -4 route flush table main",
                        "-n six link set lan group 9", "-n six.a -6 route flush table all"):
                with self.subTest(how):
                    succeed(run("ip", *how.split()))
                    self.expect(nslab("plan", file, "--check"), 3, out="drift")
                    succeed(nslab("up", file))
                    self.assert_nothing_to_do(file)
                    for target in ("fd00:90::3", "10.90.0.3", "ff02::1%wire")[:2 if "-6" in how else 3]:
                        succeed(nslab("exec", "six/a", "--", "ping", "-c1", "-W2", target))
        finally:
            succeed(nslab("down", "six"))
        self.assert_no_residue(before)

    def test_a_link_local_address_that_the_file_wants(self):
        file = lab_file("name: six\nnodes: {a: {}, b: {}}\nlinks: [{ends: 'a:e -- b:e', ipv6: link-local}]\n", "six")
        with self.lab(file) as lab:
            for command in ("ip -6 addr flush dev e", "ip link set e down"):
                with self.subTest(command):
                    lab.shell("a", command)
                    self.expect(nslab("plan", "--check", file), 3, out="cable a:e -- b:e")
                    succeed(nslab("up", file))
                    self.assert_nothing_to_do(file)
                    succeed(nslab("exec", "six/a", "--", "ping", "-c1", "-W2", "ff02::1%e"))

    def test_both_ends_in_the_hosts_namespace(self):
        before = residue.snapshot()
        file = lab_file(IPV6, "six")
        for command in ("up", "down"):
            with self.subTest(command):
                succeed(nslab("up", file))
                succeed(run("ip", "-n", "six.a", "link", "set", "wire", "netns", str(os.getpid())))
                succeed(run("ip", "link", "set", "wire", "name", "stray"))
                succeed(run("ip", "-n", "six.b", "link", "set", "wire", "netns", str(os.getpid())))
                if command == "up":
                    succeed(nslab("up", file))
                    succeed(nslab("exec", "six/a", "--", "ping", "-c1", "-W2", "ff02::1%wire"))
                self.expect(nslab("down", "six"), 0, out="gone")
                self.assert_no_residue(before)

    def test_before_a_cable_comes(self):
        before = residue.snapshot()
        succeed(nslab("up", lab_file(IPV6, "six")))
        try:
            succeed(run("ip", "netns", "exec", "six.a", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                        "net.ipv6.conf.default.disable_ipv6=1"))
            more = IPV6.replace("links: [", 'links: ["a:more -- b:more", ')
            file = lab_file(more, "six")
            succeed(nslab("up", file))
            self.assert_nothing_to_do(file)
            succeed(nslab("exec", "six/a", "--", "ping", "-c1", "-W2", "ff02::1%more"))
        finally:
            succeed(nslab("down", "six"))
        self.assert_no_residue(before)


if __name__ == "__main__":
    main()
