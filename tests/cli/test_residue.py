"""The residue detector sees one planted object of every class, and only that."""

import os
import socket
import subprocess
import unittest
from pathlib import Path

from nslab_test import NslabTest, main, residue, run, sandbox, succeed


def cgroup():
    path = sandbox.cgroup_roots()[0] / os.environ[sandbox.PARENT] / "planted"
    path.mkdir(parents=True)

    def remove():
        path.rmdir()
        path.parent.rmdir()
    return remove


def command(make, undo):
    def plant():
        succeed(run(*make.split()))
        return lambda: succeed(run(*undo.split()))
    return plant


def file(path):
    def plant():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).touch()
        return lambda: Path(path).unlink()
    return plant


def process():
    child = subprocess.Popen(["sleep", "infinity"])

    def end():
        child.kill()
        child.wait()
    return end


def zombie():
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child.wait


def nameless_namespace():
    child = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
    own = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{child.pid}/ns/net") == own:
        pass

    def end():
        child.communicate()
    return end


def unix_socket():
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\0planted")
    return listening.close


def sysctl():
    path = Path("/proc/sys/net/ipv4/ip_forward")
    old = path.read_text()
    path.write_text("0" if old.strip() == "1" else "1")
    return lambda: path.write_text(old)


def stacked_mount():
    succeed(run("mount", "-t", "tmpfs", "nslab-test", "/run/lab-files"))
    return lambda: succeed(run("umount", "/run/lab-files"))


# (class, what its name contains, plant)
PLANTED = [
    ("name", "/run/netns/planted", file("/run/netns/planted")),  # a stub of 0 bytes
    ("name", "/run/netns/planted", command("ip netns add planted", "ip netns del planted")),
    ("mount", "nsfs", command("ip netns add planted", "ip netns del planted")),
    ("mount", "/run/lab-files", stacked_mount),
    ("interface", "planted", command("ip link add planted type bridge", "ip link del planted")),
    ("interface", "lo ", command("ip link set lo mtu 1400", "ip link set lo mtu 65536")),
    ("address", "10.99.0.1/32", command("ip addr add 10.99.0.1 dev lo", "ip addr del 10.99.0.1 dev lo")),
    ("route", "10.98.0.0/16",
     command("ip route add blackhole 10.98.0.0/16", "ip route del blackhole 10.98.0.0/16")),
    ("rule", "10.97.0.0", command("ip rule add from 10.97.0.0 lookup 97", "ip rule del from 10.97.0.0 lookup 97")),
    ("namespace id", "7", lambda: namespace_id()),
    ("namespace", "net:", nameless_namespace),
    ("sysctl", "ip_forward", sysctl),
    ("process", "sleep", process),
    ("process", "(zombie)", zombie),
    ("cgroup", "/planted", cgroup),
    ("file", "/run/planted", file("/run/planted")),
    ("file", "/tmp/nslab-planted", file("/tmp/nslab-planted")),
    ("socket", "@planted", unix_socket),
    ("IPC object", "msg", lambda: ipc_queue()),
]


def namespace_id():
    succeed(run("ip", "netns", "add", "planted"))
    succeed(run("ip", "netns", "set", "planted", "7"))
    return lambda: succeed(run("ip", "netns", "del", "planted"))


def ipc_queue():
    number = succeed(run("ipcmk", "-Q")).text.split()[-1]
    return lambda: succeed(run("ipcrm", "-q", number))


class Residue(NslabTest):
    @classmethod
    def setUpClass(cls):
        # `ip netns` makes its directory a mount point the first time.
        succeed(run("ip", "netns", "add", "first"))
        succeed(run("ip", "netns", "del", "first"))

    def test_an_empty_sandbox_has_none(self):
        before = residue.snapshot()
        self.assertEqual(residue.remains(before, residue.snapshot()), [])

    def test_every_planted_object_is_named(self):
        for kind, words, plant in PLANTED:
            with self.subTest(kind=kind, words=words):
                before = residue.snapshot()
                remove = plant()
                found = residue.remains(before, residue.snapshot())
                remove()
                self.assertTrue([line for line in found if line.startswith(kind + ": ") and words in line],
                                f"not named in {found}")
                self.assert_no_residue(before)

    def test_what_is_gone_is_named(self):
        remove = file("/run/planted")()
        before = residue.snapshot()
        remove()
        self.assertEqual(residue.remains(before, residue.snapshot()), ["file gone: /run/planted"])

    def test_no_other_sandbox_is_seen(self):
        """But for what a checkout below one of these directories takes away."""
        own = sandbox.own_directories()
        self.assertEqual([each for each in own if not os.path.ismount(each)], [])
        self.assertFalse(any(Path(__file__).is_relative_to(each) for each in own))

    def test_every_class_is_planted(self):
        self.assertEqual({kind for kind, _, _ in PLANTED}, set(residue.CLASSES))


if __name__ == "__main__":
    main()
