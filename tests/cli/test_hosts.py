"""The life of a lab on hosts that differ from the one at hand: it comes up, works, is changed, mended
and taken down, and the nodes are the same everywhere.

What the sandbox can play is a row of HOSTS; what needs another kernel is a class with needs.
"""

import contextlib
import os
import resource
import subprocess
from pathlib import Path

from nslab_test import NSLAB, NslabTest, lab_file, main, needs, residue, run

LAB = """
name: hosts
subnets: {left: 10.60.0.0/24, right: [10.61.0.0/24, "fd00:61::/64"]}
nodes:
  r: {role: router, interfaces: {eth0: left, eth1: right}}
  a:
    interfaces: {eth0: left}
    files: {/etc/motd: "hello\\n"}
    services: {web: {command: [python3, -m, http.server, "8080"], ready: {tcp: 8080}}}
  b: {interfaces: {eth0: right}, setup: ["ip route add blackhole 10.66.0.0/16"]}
  host: {interfaces: {eth0: left, eth1: right}}
links: ["a:wire -- b:wire"]
"""


class Host:
    """How the program is started, and what is done to the sandbox before."""

    def __init__(self, command=(), env=None, before="", after="", **options):
        self.command, self.env, self.before, self.after = list(command), env or {}, before, after
        self.options = options

    def run(self, *arguments):
        return run(*self.command, NSLAB, *arguments, env=self.env, **self.options)


def nobody_umask(mask):
    return {"preexec_fn": lambda: os.umask(mask)}


def limits_of_a_batch_job():
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


HOSTS = {
    "as it is": Host(),
    "umask 077": Host(**nobody_umask(0o077)),
    "umask 777": Host(**nobody_umask(0o777)),
    "umask 000": Host(**nobody_umask(0)),
    "a batch job": Host(preexec_fn=limits_of_a_batch_job),
    "no environment": Host(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                            f"NSLAB_CGROUP_PARENT={os.environ.get('NSLAB_CGROUP_PARENT')}"]),
    "no session, no terminal": Host(["setsid", "-w"]),
    "another language": Host(env={"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8"}),
    "forwarding on": Host(before="sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
                          after="sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0"),
    "strict reverse paths": Host(before="sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1",
                                 after="sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0"),
    "a busy /run/netns": Host(before="for i in $(seq 40); do ip netns add busy$i; done",
                              after="for i in $(seq 40); do ip netns del busy$i; done; umount /run/netns; rmdir /run/netns"),
    "private mounts": Host(before="mount --make-rprivate /", after="mount --make-rshared /"),
    "the state directory is a mount": Host(before="mkdir -p /run/nslab && mount -t tmpfs own /run/nslab",
                                           after="umount /run/nslab; rmdir /run/nslab"),
    "a state directory of one's own": Host(before="mkdir '/run/with space'",
                                           env={"NSLAB_STATE_DIR": "/run/with space/x:y,z"},
                                           after="rm -rf '/run/with space'"),
}


class LifeOfALab(NslabTest):
    def live(self, host, text=LAB):
        file = lab_file(text, "hosts")
        before = residue.snapshot()
        try:
            for command in (["validate", file], ["plan", file], ["up", file], ["plan", file, "--check"]):
                self.expect(host.run(*command), 0)
            self.work(host)
            # A change, and then something done by hand.
            file = lab_file(text.replace("hello", "changed").replace("left: 10.60.0.0/24",
                                                                     "left: {cidr: 10.60.0.0/24, mtu: 1400}"), "hosts")
            self.expect(host.run("up", file), 0)
            self.assertEqual(self.inside(host, "a", "cat", "/etc/motd"), "changed")
            run("ip", "-n", "hosts.a", "link", "del", "eth0")
            self.expect(host.run("plan", file, "--check"), 3)
            self.expect(host.run("up", file), 0)
            self.work(host)
            self.expect(host.run("status", "hosts", "--check"), 0)
        finally:
            down = host.run("down", "hosts")
        self.expect(down, 0)
        self.assert_no_residue(before)

    def inside(self, host, node, *command):
        return self.expect(host.run("exec", f"hosts/{node}", "--", *command), 0).text

    def work(self, host):
        self.inside(host, "a", "ping", "-n", "-c1", "-W1", "b")
        self.inside(host, "b", "curl", "-sfo", "/dev/null", "--max-time", "5", "http://a:8080/")
        # The same on every host: who is no router does not forward, and anybody can work in a node.
        for node, forwards in (("r", "1"), ("host", "0")):
            self.assertEqual(self.inside(host, node, "cat", "/proc/sys/net/ipv4/ip_forward"), forwards, node)
        self.inside(host, "a", "setpriv", "--reuid", "65534", "--clear-groups", "sh", "-c",
                    "test -r /etc/hosts && test -x / && echo >/tmp/x$$ && getent hosts b")


def as_a_test(name, host):
    def test(self):
        prepared = run("bash", "-ec", host.before or "true")
        self.assertEqual(prepared.code, 0, str(prepared))
        try:
            self.live(host)
        finally:
            run("bash", "-c", host.after or "true")

    test.__doc__ = name
    return test


class Hosts(LifeOfALab):
    """One test for each row."""


for _name, _host in HOSTS.items():
    setattr(Hosts, "test_" + "".join(c if c.isalnum() else "_" for c in _name), as_a_test(_name, _host))


class FullDisk(LifeOfALab):
    def test_nothing_is_left_where_the_state_directory_is_full(self):
        file = lab_file(LAB, "hosts")
        before = residue.snapshot()
        with contextlib.ExitStack() as stack:
            Path("/run/nslab").mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "full", "/run/nslab"], check=True)
            stack.callback(lambda: run("sh", "-c", "umount /run/nslab; rmdir /run/nslab"))
            run("sh", "-c", "head -c 1M /dev/zero >/run/nslab.fill; cp /run/nslab.fill /run/nslab/fill")
            os.unlink("/run/nslab.fill")
            self.expect(Host().run("up", file), 1, err="No space left")
            os.unlink("/run/nslab/fill")
            self.expect(Host().run("up", file), 0)
            self.expect(Host().run("down", "hosts"), 0)
        self.assert_no_residue(before)


@needs("tunnels")
class TunnelsInEveryNamespace(LifeOfALab):
    """Modules that put an interface of their own into each new network namespace."""

    def test_the_life_of_a_lab(self):
        for module in ("ipip", "ip_gre", "sit", "ip6_tunnel"):
            self.expect(run("modprobe", module), 0)
        self.live(Host())


if __name__ == "__main__":
    main()
