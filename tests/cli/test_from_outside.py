"""A lab as other tools see it: ip netns, lsns, nsenter, tcpdump's way in."""

import json
import unittest

from nslab_test import NslabTest, main, residue, run, succeed

LAB = """
name: outside
subnets: {net: 10.50.0.0/24}
nodes:
  web:
    interfaces: {eth0: net}
    services:
      http:
        command: [python3, -m, http.server, "8080"]
        ready: {tcp: 8080}
  other: {interfaces: {eth0: net}}
"""


class FromOutside(NslabTest):
    def test_a_lab_is_like_any_other_set_of_namespaces(self):
        with self.lab(LAB) as lab:
            for check in (self.ip_netns, self.lsns, self.nsenter, self.iproute2_knows_the_peers):
                with self.subTest(check.__name__):
                    check(lab)

    def ip_netns(self, lab):
        names = {line.split()[0] for line in succeed(run("ip", "netns")).out.splitlines()}
        self.assertEqual(names, {"outside", "outside.web", "outside.other"})
        listening = succeed(run("ip", "netns", "exec", "outside.web", "ss", "-Htln")).out
        self.assertIn(":8080", listening)
        self.assertNotIn(":8080", succeed(run("ip", "netns", "exec", "outside.other", "ss", "-Htln")).out)
        pids = succeed(run("ip", "netns", "pids", "outside.web")).out.split()
        self.assertEqual({int(pid) for pid in pids}, set(lab.processes("web")))
        self.assertIn("outside.web", succeed(run("ip", "netns", "identify", lab.init("web"))).text.split())

    def lsns(self, lab):
        for kind in ("net", "pid", "mnt", "uts", "ipc", "cgroup"):
            seen = json.loads(succeed(run("lsns", "--json", "--type", kind, "-o", "NS,PID")).out)
            pids = {each["pid"] for each in seen["namespaces"]}
            self.assertTrue({lab.init("web"), lab.init("other")} <= pids, (kind, seen))

    def nsenter(self, lab):
        init = lab.init("web")
        self.assertEqual(succeed(run("nsenter", "-t", init, "-u", "hostname")).text, "web")
        seen = succeed(run("nsenter", "-t", init, "-a", "ps", "-e", "-o", "pid=,args=")).out
        self.assertRegex(seen.splitlines()[0], r"^\s*1 ")
        self.assertIn("http.server", seen)

    def iproute2_knows_the_peers(self, lab):
        """A cable runs from the node to a port of the bridge of its subnet, and says so."""
        link, = [each for each in residue.ip("-n", "outside.web", "-d", "link") if each["ifname"] == "eth0"]
        self.assertEqual(link["linkinfo"]["info_kind"], "veth")
        ports = residue.ip("-n", "outside", "link", "show", "master", "net")
        self.assertEqual(len(ports), 2)
        self.assertIn(link["link_index"], {port["ifindex"] for port in ports})


if __name__ == "__main__":
    main()
