"""What people do by hand to a running lab: with ip, tc, nft, mount, kill, in cgroups and in files.

Each is a function of the lab and a node, and does its thing or, where that cannot be just now,
nothing. A user's own process or namespace is in `beside`, to be ended by who asked for it.
"""

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import sandbox


def sh(*command):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


class Hands:
    def __init__(self, lab, seed):
        self.lab = lab
        self.seed = seed
        self.random = random.Random(seed)
        self.beside = []  # processes
        self.done = []    # what was done, for the message

    # In the node's network.

    def ip(self, node, *words):
        return sh("ip", "-n", f"{self.lab.name}.{node}", *words)

    def interface(self, node):
        try:
            links = [name for name in self.lab.links(node) if not name.startswith("hand")]
        except (OSError, subprocess.CalledProcessError):
            return "eth0"
        return self.random.choice(sorted(links) or ["eth0"])

    def link_settings(self, node):
        words = self.random.choice([
            ("down",), ("mtu", "1300"), ("mtu", "700"), ("address", "02:00:00:00:00:77"), ("name", "hand0"),
            ("promisc", "on"), ("addrgenmode", "eui64"), ("addrgenmode", "none"), ("txqueuelen", "7"),
            ("alias", "mine"), ("arp", "off"), ("multicast", "off")])
        return self.ip(node, "link", "set", self.interface(node), *words)

    def link_away(self, node):
        return self.ip(node, "link", "del", self.interface(node))

    def link_of_a_bridge(self, node):
        self.ip(node, "link", "add", "handbr", "type", "bridge")
        return self.ip(node, "link", "set", self.interface(node), "master", "handbr")

    def link_into_another_namespace(self, node):
        child = subprocess.Popen(["nsenter", f"--net={self.lab.netns(node)}", "unshare", "--net", "sleep", "1000"])
        self.beside.append(child)
        return self.ip(node, "link", "set", self.interface(node), "netns", str(child.pid))

    def link_of_ones_own(self, node):
        kind = self.random.choice([("veth", "peer", "name", "handv1"), ("bridge",),
                                   ("vxlan", "id", "7", "dstport", "4789", "local", "10.90.0.1")])
        return self.ip(node, "link", "add", "handv0", "type", *kind)

    def copied_mark(self, node):
        self.ip(node, "link", "add", "handv2", "type", "veth", "peer", "name", "handv3")
        return self.ip(node, "link", "set", "handv2", "alias", f"nslab:{self.lab.name}:{node}/eth0:a")

    def addresses(self, node):
        interface = self.interface(node)
        words = self.random.choice([("flush", "dev", interface), ("add", "10.99.0.1/24", "dev", interface),
                                    ("add", "fd99::1/64", "dev", interface), ("flush", "dev", "lo")])
        return self.ip(node, "addr", *words)

    def routes(self, node):
        words = self.random.choice([
            ("route", "flush", "table", "main"), ("route", "del", "default"),
            ("route", "add", "blackhole", "10.98.0.0/16"), ("rule", "add", "pref", "77", "lookup", "main"),
            ("-6", "route", "flush", "table", "main"), ("-4", "route", "flush", "table", "all"), ("-6", "route", "flush", "table", "all"), ("route", "add", "10.98.0.0/16", "dev", "lo", "table", "77"),
            ("neigh", "add", "10.90.0.77", "lladdr", "02:00:00:00:00:78", "dev", self.interface(node))])
        return self.ip(node, *words)

    def queueing(self, node):
        interface = self.interface(node)
        return sh("tc", "-n", f"{self.lab.name}.{node}", "qdisc", "add", "dev", interface, "root", "tbf",
                  "rate", "1mbit", "burst", "32kbit", "latency", "50ms")

    def sysctl(self, node):
        key = self.random.choice(["net.ipv4.ip_forward=1", "net.ipv4.ip_default_ttl=11",
                                  "net.ipv4.conf.all.rp_filter=2", "net.ipv6.conf.all.disable_ipv6=1"])
        return sh("ip", "netns", "exec", f"{self.lab.name}.{node}", "sysctl", "-w", key)

    # In the switch.

    def switch(self, _node):
        words = self.random.choice([("link", "del", "lan"), ("link", "set", "lan", "down"),
                                    ("link", "set", "lan", "mtu", "1000"), ("addr", "add", "10.90.0.250/24", "dev", "lan"),
                                    ("link", "add", "hand0", "type", "bridge"), ("link", "set", "lan", "group", "9")])
        return sh("ip", "-n", self.lab.name, *words)

    def port(self, _node):
        seen = sh("ip", "-j", "-n", self.lab.name, "link")  # its name may be gone
        ports = [link["ifname"] for link in json.loads(seen.stdout or "[]") if link.get("master")]
        if not ports:
            return None
        words = self.random.choice([("nomaster",), ("down",), ("mtu", "900"), ("name", "handport")])
        return sh("ip", "-n", self.lab.name, "link", "set", self.random.choice(sorted(ports)), *words)

    # In the node.

    def inside(self, node, script):
        return sh(os.environ["NSLAB"], "exec", f"{self.lab.name}/{node}", "--", "sh", "-c", script)

    def files(self, node):
        return self.inside(node, self.random.choice([
            "echo mine >/etc/motd", "rm /etc/motd", "rm /etc/motd; mkdir -p /etc/motd/x", "rm /etc/motd; mkfifo /etc/motd",
            "chmod 000 /etc/motd", "mount -t tmpfs none /srv/deep", "umount /srv/deep", "rm -rf /run/*", "rm -rf /etc",
            "mount --bind /etc/passwd /etc/motd", "ln -sf /proc/1/mem /etc/motd", "echo x >/etc/hosts"]))

    def host_name(self, node):
        return self.inside(node, self.random.choice(["hostname hand", "hostname a.b.c"]))

    # Processes.

    def kill(self, node):
        try:
            pids = sorted(self.lab.processes(node))
        except OSError:
            return None
        pid = self.random.choice(pids) if pids else None
        if pid is None:
            return None
        number = self.random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV])
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
        return f"{number.name} to {pid}"

    def kill_init(self, node):
        try:
            pid = self.lab.init(node)
        except OSError:
            return None
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid

    # Names, cgroups and files of the host.

    def names(self, node):
        name = f"{self.lab.name}.{node}"
        return self.random.choice([
            lambda: sh("ip", "netns", "del", name), lambda: sh("rm", "-f", f"/run/netns/{name}"),
            lambda: sh("ip", "netns", "add", "hand"),
            lambda: sh("umount", "-l", f"/run/nslab/{self.lab.name}/ns/{node}"),
            lambda: sh("rm", "-rf", "/run/netns")])()

    def state(self, _node):
        record = Path("/run/nslab", f"{self.lab.name}.lab")
        return self.random.choice([
            lambda: sh("rm", "-f", *map(str, Path("/run/nslab").glob(f"{self.lab.name}.*"))),
            lambda: [path.write_bytes(path.read_bytes()[:40]) for path in Path("/run/nslab").glob(f"{self.lab.name}.*")
                     if path.is_file()],
            lambda: record.exists()])()

    def cgroups(self, node):
        directory = self.lab.cgroup(node)
        try:
            if self.random.random() < 0.5 and (directory / "pids.max").exists():
                (directory / "pids.max").write_text("99")
                return "pids.max 99"
            up = directory.parent.parent / "cgroup.procs"  # of the sandbox, not of the machine
            for pid in (directory / "cgroup.procs").read_text().split():
                up.write_text(pid)
            os.rmdir(directory)
            return "cgroup removed"
        except OSError as failed:
            return failed

    # All of them.

    ACTS = (link_settings, link_settings, link_away, link_of_a_bridge, link_into_another_namespace, link_of_ones_own,
            copied_mark, addresses, routes, queueing, sysctl, switch, port, files, files, host_name, kill, kill_init,
            names, state, cgroups)

    def act(self, nodes):
        act, node = self.random.choice(self.ACTS), self.random.choice(nodes)
        outcome = act(self, node)
        words = f"{act.__name__} in {node}"
        if isinstance(outcome, subprocess.CompletedProcess):
            words += f": {' '.join(outcome.args)} -> {outcome.returncode} {outcome.stderr.strip()[:120]}"
        else:
            words += f": {outcome}"
        self.done.append(words)

    def told(self, result):
        """What was done, and what came of it."""
        return "\n".join([f"seed {self.seed}", *self.done, str(result)])

    def let_go(self):
        for child in self.beside:
            child.kill()
            child.wait()
        self.beside.clear()
        sh("ip", "netns", "del", "hand")
        sh("umount", "-l", "/run/netns")  # which ip(8) has mounted on itself
