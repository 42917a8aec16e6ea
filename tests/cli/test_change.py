"""What a change of the file costs a running lab: for each key, what keeps and what goes.

The table is the one of the reference: nothing, a restart of the service, a restart
of the node. Cables and neighbours are never cut by a change elsewhere.
"""

import unittest

from nslab_test import Lab, NslabTest, lab_file, main, nslab, residue, run, succeed

LAB = """
name: change
subnets:
  net: 10.100.0.0/24
  spare: 10.101.0.0/24
nodes:
  a:
    interfaces: {eth0: {subnet: net, address: 10.100.0.10}}
    services:
      first: {command: [sleep, infinity]}
      second: {command: [sleep, "1000000"]}
    # more
  b:
    interfaces: {eth0: {subnet: net, address: 10.100.0.20}}
    services:
      first: {command: [sleep, infinity]}
links:
  - a:eth1 -- b:eth1
  # links
"""

MORE = "    # more\n"

# (what, text to replace, its replacement, what changes for a, (command in a, what it prints then))
NOTHING, SERVICE, NODE = "nothing", "service", "node"
TABLE = [
    ("hostname", MORE, "    hostname: alpha\n", NOTHING, ("hostname", "alpha")),
    ("description", "name: change", "name: change\ndescription: another", NOTHING, None),
    ("role", MORE, "    role: router\n", NOTHING, ("cat /proc/sys/net/ipv4/ip_forward", "1")),
    ("routes", MORE, "    routes: [{to: 10.7.0.0/16, type: blackhole}]\n", NOTHING,
     ("ip route show type blackhole", "blackhole 10.7.0.0/16")),
    ("routes, via", MORE, "    routes: [{to: 10.7.0.0/16, via: 10.100.0.20}]\n", NOTHING,
     ("ip route show 10.7.0.0/16", "10.7.0.0/16 via 10.100.0.20 dev eth0")),
    ("sysctls", MORE, "    sysctls: {net.ipv4.conf.all.rp_filter: 2}\n", NOTHING,
     ("cat /proc/sys/net/ipv4/conf/all/rp_filter", "2")),
    ("interfaces, address", "10.100.0.10}", "10.100.0.11}", NOTHING,
     ("ip -4 -o address show dev eth0", "10.100.0.11/24")),
    ("interfaces, a second address", "address: 10.100.0.10}", "address: [10.100.0.10, 10.100.0.12]}", NOTHING,
     ("ip -4 -o address show dev eth0", "10.100.0.12/24")),
    ("interfaces, mtu", "address: 10.100.0.10}", "address: 10.100.0.10, mtu: 1300}", NOTHING,
     ("cat /sys/class/net/eth0/mtu", "1300")),
    ("interfaces, mac", "address: 10.100.0.10}", 'address: 10.100.0.10, mac: "02:00:00:00:00:99"}', NOTHING,
     ("cat /sys/class/net/eth0/address", "02:00:00:00:00:99")),
    ("interfaces, subnet", "eth0: {subnet: net, address: 10.100.0.10}}", "eth0: {subnet: spare, address: 10.101.0.10}}",
     NOTHING, None),
    ("interfaces, one more", "address: 10.100.0.10}}", "address: 10.100.0.10}, eth9: spare}", NOTHING,
     ("cat /sys/class/net/eth9/operstate", "up")),
    ("subnets, mtu", "net: 10.100.0.0/24", "net: {cidr: 10.100.0.0/24, mtu: 1400}", NOTHING,
     ("cat /sys/class/net/eth0/mtu", "1400")),
    ("subnets, one more", "subnets:\n", "subnets:\n  third: 10.102.0.0/24\n", NOTHING, None),
    ("links, one more", "  # links\n", "  - a:eth2 -- b:eth2\n", NOTHING, ("cat /sys/class/net/eth2/carrier", "1")),
    ("links, mtu", "  - a:eth1 -- b:eth1\n", "  - {ends: [a:eth1, b:eth1], mtu: 9000}\n", NOTHING,
     ("cat /sys/class/net/eth1/mtu", "9000")),
    ("links, subnet", "  - a:eth1 -- b:eth1\n", "  - {ends: [a:eth1, b:eth1], subnet: 10.103.0.0/30}\n", NOTHING,
     ("ip -4 -o address show dev eth1", "10.103.0.1/30")),
    ("links, ends", "  - a:eth1 -- b:eth1\n", '  - ends: [{interface: a:eth1, mac: "02:00:00:00:00:98"}, b:eth1]\n', NOTHING,
     ("cat /sys/class/net/eth1/address", "02:00:00:00:00:98")),
    ("limits, cpu_weight", MORE, "    limits: {cpu_weight: 200}\n", NOTHING, None),
    ("limits, memory", MORE, "    limits: {memory: 64M}\n", NOTHING, None),
    ("limits, pids", MORE, "    limits: {pids: 30}\n", NOTHING, None),
    ("limits, cpus", MORE, "    limits: {cpus: 0.5}\n", NOTHING, None),
    ("limits, cpuset", MORE, '    limits: {cpuset: "0"}\n', NOTHING, ("nproc", "1")),
    ("environment", MORE, "    environment: {COLOUR: red}\n", SERVICE, ("sh -c 'echo $COLOUR'", "red")),
    ("files", MORE, "    files: {/etc/motd: hello}\n", NOTHING, ("cat /etc/motd", "hello")),
    ("mounts", MORE, "    mounts: {/data: {tmpfs: 1M}}\n", NOTHING, ("stat -f -c %T /data", "tmpfs")),
    ("services, one more", MORE, "      third: {command: [sleep, '2000000']}\n", NOTHING,
     ("pgrep -cxf 'sleep 2000000'", "1")),
    ("services, command", '"1000000"]', '"1000001"]', SERVICE, ("pgrep -cxf 'sleep 1000001'", "1")),
    ("services, environment", '"1000000"]}', '"1000000"], environment: {X: y}}', SERVICE, None),
    ("services, restart", '"1000000"]}', '"1000000"], restart: always}', SERVICE, None),
    ("services, directory", '"1000000"]}', '"1000000"], directory: /tmp}', SERVICE, None),
    ("services, ready", '"1000000"]}', '"1000000"], ready: {exec: ["true"]}}', SERVICE, None),
    ("services, after", '"1000000"]}', '"1000000"], after: [first]}', NOTHING, None),
    ("services, stop", '"1000000"]}', '"1000000"], stop: {signal: INT}}', SERVICE, None),
    ("defaults", "nodes:\n", "defaults: {files: {/etc/motd: hello}}\nnodes:\n", NOTHING, ("cat /etc/motd", "hello")),
    ("groups", "nodes:\n", "groups: {g: {files: {/etc/motd: hello}}}\nnodes:\n", NOTHING, None),
    ("files, mode", MORE, '    files: {/etc/motd: {content: hello, mode: "0600"}}\n', NOTHING,
     ("stat -c %a /etc/motd", "600")),
    ("directories", MORE, "    directories: {/opt/here: {owner: mail}}\n", NOTHING, ("stat -c %U /opt/here", "mail")),
    ("keep", MORE, "    keep: false\n", NOTHING, None),
    ("after", MORE, "    after: {b: ready}\n", NOTHING, None),
    ("namespaces", MORE, "    namespaces: {ipc: host}\n", NODE, None),
    ("root", MORE, "    root: host\n", NODE, None),
    ("time", MORE, "    namespaces: {time: private}\n    clock: {boottime: 10d}\n", NODE, None),
    ("another node", "links:\n", "  c: {interfaces: {eth0: net}}\nlinks:\n", NOTHING, None),
    ("x- keys", MORE, "    x-mine: {anything: 1}\n", NOTHING, None),
]


class Change(NslabTest):
    @classmethod
    def setUpClass(cls):
        cls.before = residue.snapshot()
        cls.first = lab_file(LAB, "change")
        succeed(nslab("up", "--take-over", cls.first))

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "change"))
        found = residue.settled(cls.before)
        assert not found, found

    def compare(self, cost, before, after):
        """Between two identities of a: no less kept than the cost allows, and the cost is paid."""
        for name, index in before["links"].items():
            if name in after["links"]:
                self.assertEqual(after["links"][name], index, f"{name} was made again")
        self.assertEqual(after["init"] != before["init"], cost == NODE, "the node's restart")
        if cost == NOTHING:
            for command, pid in before["services"].items():
                self.assertEqual(after["services"].get(command, pid), pid, f"{command} was restarted")

    def test_what_a_change_costs_both_ways(self):
        lab = Lab("change")
        for what, old, new, cost, effect in TABLE:
            with self.subTest(what):
                self.assertIn(old, LAB)
                succeed(nslab("up", "--take-over", self.first))  # one row's failure is not the next one's
                identity = lab.identity("a")
                neighbour = lab.identity("b")
                changed = lab_file(LAB.replace(old, new, 1), "changed")
                succeed(nslab("up", "--take-over", changed))
                self.assert_nothing_to_do(changed)
                after = lab.identity("a")
                self.compare(cost, identity, after)
                if effect:
                    command, output = effect
                    self.assertIn(output, lab.shell("a", command))
                    self.assertEqual(lab.exec("a", "ping", "-c1", "-W1", "10.100.0.20").code, 0)
                succeed(nslab("up", "--take-over", self.first))
                self.assert_nothing_to_do(self.first)
                self.compare(cost, after, lab.identity("a"))
                now = lab.identity("b")
                self.assertEqual({key: now[key] for key in ("init", "services")},
                                 {key: neighbour[key] for key in ("init", "services")}, "the neighbour")
                self.assertEqual(now["links"]["eth0"], neighbour["links"]["eth0"])
                self.assertEqual(now["links"]["eth1"], neighbour["links"]["eth1"])
                if effect and what not in ("interfaces, mtu", "services, one more"):
                    self.assertNotIn(effect[1], lab.exec("a", "sh", "-c", effect[0]).out, "and back")

    def test_a_new_setup_command_runs_and_one_that_is_gone_restarts_the_node(self):
        lab = Lab("change")
        before = lab.identity("a")
        more = lambda *lines: lab_file(LAB.replace(MORE, f"    setup: [{', '.join(lines)}]\n"), "changed")
        succeed(nslab("up", "--take-over", more("touch /run/one")))
        self.assertEqual(lab.identity("a"), before)
        succeed(nslab("up", "--take-over", more("touch /run/one", "touch /run/two")))
        self.assertEqual(lab.identity("a"), before)
        self.assertEqual(lab.shell("a", "ls /run/one /run/two"), "/run/one\n/run/two")
        for lines, left in ((["touch /run/two"], "/run/two"), ([], "")):
            succeed(nslab("up", "--take-over", more(*lines)))
            after = lab.identity("a")
            self.assertNotEqual(after["init"], before["init"])
            self.assertEqual(after["links"], before["links"])
            self.assertEqual(lab.exec("a", "sh", "-c", "ls /run/one /run/two 2>/dev/null").text, left)
            before = after

    def test_a_changed_service_leaves_the_other_alone(self):
        lab = Lab("change")
        before = lab.services("a")
        changed = lab_file(LAB.replace('"1000000"]', '"1000001"]'), "changed")
        succeed(nslab("up", "--take-over", changed))
        after = lab.services("a")
        self.assertEqual(after["sleep infinity"], before["sleep infinity"])
        self.assertEqual(set(after), {"sleep infinity", "sleep 1000001"})
        succeed(nslab("up", "--take-over", self.first))

    def test_a_node_that_goes_takes_only_its_own(self):
        lab = Lab("change")
        before = lab.identity("a")
        without = LAB[:LAB.index("  b:\n")]
        succeed(nslab("up", "--take-over", lab_file(without, "changed")))
        after = lab.identity("a")
        self.assertEqual(after["links"], {"eth0": before["links"]["eth0"]})
        self.assertEqual((after["init"], after["services"]), (before["init"], before["services"]))
        self.assertNotIn("change.b", succeed(run("ip", "netns")).out)
        succeed(nslab("up", "--take-over", self.first))
        self.assert_nothing_to_do(self.first)
        self.assertEqual(lab.exec("a", "ping", "-c1", "-W1", "10.100.0.20").code, 0)

    def test_the_hosts_file_follows(self):
        lab = Lab("change")
        before = lab.identity("a")
        succeed(nslab("up", "--take-over", lab_file(LAB.replace("links:\n", "  c: {interfaces: {eth0: net}}\nlinks:\n"), "changed")))
        self.assertTrue(lab.read("a", "getent", "hosts", "c"))
        self.assertEqual(lab.identity("a"), before)
        succeed(nslab("up", "--take-over", self.first))
        self.assertEqual(lab.exec("a", "getent", "hosts", "c").code, 2)


if __name__ == "__main__":
    main()
