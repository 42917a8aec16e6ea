"""labs/webdb.yaml: a page from a web server that counts its visitors in a database."""

import re
import unittest

from nslab_test import LABS, LabTest, eventually, main, needs, nslab, residue, run, succeed


class Webdb(LabTest):
    file = LABS / "webdb.yaml"

    def visit(self):
        page = succeed(self.fetch("client", "http://web:8080/")).out
        match = re.fullmatch(r"Hello from web-01, visitor number (\d+)\n", page)
        self.assertTrue(match, page)
        return int(match[1])

    def test_the_web_server_counts_its_visitors_in_the_database(self):
        first = self.visit()
        self.assertEqual(self.visit(), first + 1)
        count = self.running.read("db", "redis-cli", "-h", "10.10.2.20", "get", "visitors")
        self.assertEqual(count, str(first + 1))

    def test_names_resolve_to_the_addresses_in_every_node(self):
        for node in ("client", "web", "db"):
            def addresses(name):
                return {line.split()[0] for line in self.running.read(node, "getent", "ahosts", name).splitlines()}
            self.assertEqual(addresses("db"), {"10.10.2.20"})
            self.assertEqual(addresses("web"), {"10.10.1.80", "10.10.2.80"})
            self.assertEqual(addresses("web-01"), addresses("web"))

    def test_the_client_does_not_reach_the_database(self):
        self.assertIsNone(self.ping("client", "10.10.2.20"))
        self.assertEqual(self.ping("web", "db"), 64)
        self.assertEqual(self.ping("client", "web"), 64)

    def test_every_node_has_all_six_namespaces_for_itself(self):
        kinds = ("net", "pid", "mnt", "uts", "ipc", "cgroup")
        seen = {}
        for who in ("client", "web", "db"):
            for kind in kinds:
                seen[who, kind] = self.running.read(who, "readlink", f"/proc/1/ns/{kind}")
        for kind in kinds:
            seen["host", kind] = succeed(run("readlink", f"/proc/self/ns/{kind}")).text
        self.assertEqual(len(set(seen.values())), len(seen), seen)

    def test_hostnames(self):
        self.assertEqual(self.running.read("web", "hostname"), "web-01")
        self.assertEqual(self.running.read("web", "cat", "/etc/hostname"), "web-01")
        self.assertEqual(self.running.read("client", "hostname"), "client")

    def test_limits_are_in_the_kernel(self):
        self.assertEqual(self.running.limit("web", "memory"), 128 << 20)
        self.assertEqual(self.running.limit("web", "pids"), 64)
        self.assertEqual(self.running.limit("web", "cpus"), 0.5)
        self.assertEqual(self.running.limit("db", "memory"), 256 << 20)
        self.assertEqual(self.running.limit("db", "pids"), 4096)  # nobody asked for another
        self.assertEqual(self.running.node_status("web")["memory-limit"], 128 << 20)

    def test_nothing_appears_in_the_namespace_of_the_host(self):
        # Tunnels are the kernel's own, where their modules are loaded.
        self.assertEqual([link["ifname"] for link in residue.ip("link") if not re.search(r"^(sit|tunl|gre|gretap|erspan|ip6tnl|ip6gre|ip_vti|ip6_vti)0$", link["ifname"])],
                         ["lo"])
        self.assertEqual(residue.interfaces(), self.before["interface"])

    def test_the_switches_keep_quiet(self):
        """Bridges and their ports have no IPv6, so that a capture shows the lab's own packets."""
        self.assertEqual([link["ifname"] for link in residue.ip("-n", "webdb", "-6", "address")
                          if link["ifname"] != "lo" and link["addr_info"]], [])
        names = {link["ifname"] for link in residue.ip("-n", "webdb", "link", "show", "type", "bridge")}
        self.assertEqual(names, {"front", "back"})

    def test_each_visit_is_in_the_log(self):
        visits = lambda: succeed(nslab("logs", "webdb/web", "http")).out.count("GET / HTTP")
        before = visits()
        self.visit()
        eventually(lambda: visits() == before + 1, "the visit is in the log")

    def test_a_killed_web_server_comes_back(self):
        status = self.running.service_status("web", "http")
        succeed(run("kill", "-KILL", status["pid"]))
        def back():
            now = self.running.service_status("web", "http")
            return now["state"] == "ready" and now["pid"] not in (0, status["pid"])
        eventually(back, "the server is ready again")
        self.assertEqual(self.running.service_status("web", "http")["restarts"], status["restarts"] + 1)
        self.visit()


@needs("cgroup-v2:cpu", "cgroup-v2:memory", "cgroup-v2:pids")
class WebdbOnVersion2(Webdb):
    pass


if __name__ == "__main__":
    main()
