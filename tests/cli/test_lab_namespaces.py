"""labs/namespaces.yaml: each kind of namespace, private and of the host."""

import os
import re
import unittest
from pathlib import Path

from nslab_test import LABS, LabTest, lab_file, main, residue, run, succeed

SERVERS = ("plain", "other", "with-host-pid", "with-host-uts", "with-host-ipc", "with-host-cgroup", "root")
ASKED_FOR = ("user", "time")
KINDS = ("net", "pid", "mnt", "uts", "ipc", "cgroup", *ASKED_FOR)


class Namespaces(LabTest):
    file = LABS / "namespaces.yaml"

    def namespace(self, node, kind):
        return self.running.read(node, "readlink", f"/proc/self/ns/{kind}")

    def test_each_node_shares_exactly_what_it_says(self):
        for node in self.node_names():
            shared = {f"with-host-{kind}": {kind} for kind in KINDS}.get(node, set())
            own = set(KINDS) - set(ASKED_FOR) - shared
            own |= {"root": {"user"}, "later": {"time"}}.get(node, set())
            for kind in KINDS:
                host = os.readlink(f"/proc/self/ns/{kind}")
                self.assertEqual(self.namespace(node, kind) != host, kind in own, (node, kind))

    def test_servers_all_on_one_port(self):
        for node in SERVERS:
            page = succeed(self.fetch("visitor", f"http://{node}:8080/")).out
            self.assertRegex(page, r"^\S+: process \d+, user 0\n$", node)

    def test_the_same_process_number_in_two_nodes(self):
        pages = [succeed(self.fetch("visitor", f"http://{node}:8080/")).out for node in ("with-host-uts", "other")]
        numbers = {re.search(r"process (\d+)", page)[1] for page in pages}
        self.assertEqual(len(numbers), 1, pages)
        self.assertLess(int(numbers.pop()), 100)

    def test_pid(self):
        own = self.running.read("plain", "ps", "-e", "-o", "pid=,args=")
        self.assertRegex(own.splitlines()[0], r"^\s*1 ")
        self.assertLess(len(own.splitlines()), 8)
        self.assertIn("python3 -uc", own)
        host = self.running.read("with-host-pid", "ps", "-e", "-o", "pid=")
        self.assertIn(str(os.getpid()), host.split())

    def test_mnt(self):
        mine = Path("/tmp") / f"mine-{os.getpid()}"
        self.running.read("plain", "touch", mine)
        self.assertEqual(self.running.exec("other", "ls", mine).code, 2)
        self.assertFalse(mine.exists())
        written = lab_file("", "seen-by-with-host-mnt")
        self.running.read("with-host-mnt", "ls", written)
        self.assertEqual(self.running.exec("plain", "ls", written).code, 2)  # /run is its own

    def test_what_a_node_writes_is_its_own(self):
        self.running.shell("plain", "echo changed >/etc/debian_version; rm /usr/bin/sort")
        self.assertEqual(self.running.read("plain", "cat", "/etc/debian_version"), "changed")
        self.assertEqual(self.running.exec("plain", "sort").code, 127)
        self.assertNotEqual(self.running.read("other", "cat", "/etc/debian_version"), "changed")
        self.assertNotEqual(Path("/etc/debian_version").read_text(), "changed\n")
        self.assertTrue(Path("/usr/bin/sort").exists())

    def test_uts(self):
        self.assertEqual(self.running.read("plain", "hostname"), "plain")
        self.assertEqual(self.running.read("with-host-uts", "hostname"), os.uname().nodename)
        self.running.read("other", "hostname", "changed")
        self.assertEqual(os.uname().nodename, "sandbox")
        self.assertEqual(self.running.read("plain", "hostname"), "plain")
        self.running.read("other", "hostname", "other")

    def test_ipc(self):
        queues = lambda node: len(re.findall("0x", self.running.read(node, "ipcs", "-q")))
        self.assertEqual(queues("plain"), 1)
        self.assertEqual(queues("other"), 0)
        number = succeed(run("ipcmk", "-Q")).text.split()[-1]
        self.assertEqual(queues("with-host-ipc"), 1)
        self.assertEqual(queues("other"), 0)
        succeed(run("ipcrm", "-q", number))

    def test_cgroup(self):
        own = self.running.read("plain", "cat", "/proc/self/cgroup").splitlines()
        self.assertIn("0::/", own)
        host = self.running.read("with-host-cgroup", "cat", "/proc/self/cgroup")
        self.assertRegex(host, r"(?m)^0::/.*namespaces/with-host-cgroup$")

    def test_user(self):
        self.assertEqual(self.running.read("root", "id", "-u"), "0")
        status = Path("/proc", str(self.running.init("root")), "status").read_text()
        outside = int(re.search(r"(?m)^Uid:\s+(\d+)", status)[1])
        self.assertGreaterEqual(outside, 1000)
        self.running.read("root", "touch", "/etc/written-by-root")
        self.running.read("root", "ip", "route", "add", "blackhole", "10.99.0.0/16")  # its own network
        self.running.read("root", "sysctl", "-qw", "net.ipv4.conf.all.accept_redirects=0")
        self.running.read("root", "ip", "route", "del", "blackhole", "10.99.0.0/16")

    def test_time(self):
        days = lambda seconds: float(seconds.split()[0]) / 86400
        host = days(Path("/proc/uptime").read_text())
        self.assertAlmostEqual(days(self.running.read("later", "cat", "/proc/uptime")) - host, 1000, delta=0.1)
        self.assertAlmostEqual(days(self.running.read("plain", "cat", "/proc/uptime")) - host, 0, delta=0.1)

    def test_net(self):
        links = {link["ifname"] for link in residue.ip("link")}
        names = self.running.read("with-host-net", "ip", "-o", "link")
        self.assertEqual({line.split(": ")[1].split("@")[0] for line in names.splitlines()}, links)
        self.assertIn("eth0", self.running.read("plain", "ls", "/sys/class/net").split())


if __name__ == "__main__":
    main()
