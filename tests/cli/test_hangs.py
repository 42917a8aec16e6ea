"""A node whose init hangs is named within seconds, holds up nobody else, and `up` replaces it."""

import contextlib
import os
import signal
import socket
import unittest
from pathlib import Path

from nslab_test import NslabTest, bring_up, lab_file, main, nslab, residue, run, sandbox, succeed

TEXT = """
name: hangs
subnets: {lan: 10.77.0.0/24}
nodes:
  a: {interfaces: {eth0: lan}, services: {s: {command: [sleep, infinity]}}}
  b: {interfaces: {eth0: lan}, services: {s: {command: [sleep, infinity]}}}
  c: {interfaces: {eth0: lan}}
"""
OTHER = f"{os.environ[sandbox.PARENT]}-frozen"
# What a node that starts again has anew: a clean network namespace, into which its cable moves.
RESTARTED = {"node:b", "service:b/s", "netns:b", "veth:b/eth0", "address:b/eth0/10.77.0.2/24"}
SECONDS = 15  # where it has to be quick; a minute is what an init may be waited for


def freeze(lab, node):
    """By a cgroup that nslab did not make, on each version that can; whether there is one."""
    frozen = False
    for root in sandbox.cgroup_roots():
        state = "cgroup.freeze" if (root / "cgroup.controllers").exists() else "freezer.state"
        place = root / OTHER
        place.mkdir(exist_ok=True)
        if (place / state).exists():
            for pid in lab.processes(node):
                (place / "cgroup.procs").write_text(str(pid))
            (place / state).write_text("1" if state == "cgroup.freeze" else "FROZEN")
            return True
    return frozen


def freeze_its_own(lab, node):
    (lab.cgroup(node) / "cgroup.freeze").write_text("1")


def take_descriptors(lab, node):
    """As root of a node can: its init can accept nobody."""
    succeed(run("prlimit", "--pid", lab.init(node), "--nofile=0:0"))


HANGS = {
    "stopped": lambda lab, node: os.kill(lab.init(node), signal.SIGSTOP),
    "frozen": freeze_its_own,
    "frozen elsewhere": freeze,
    "without descriptors": take_descriptors,
}


class Hangs(NslabTest):
    def setUp(self):
        self.file = lab_file(TEXT, "hangs")
        self.addCleanup(sandbox.remove_cgroups, OTHER)
        self.addCleanup(self.thaw)

    def thaw(self):
        for root in sandbox.cgroup_roots():
            for name, value in (("cgroup.freeze", "0"), ("freezer.state", "THAWED")):
                with contextlib.suppress(OSError):
                    (root / OTHER / name).write_text(value)

    def test_it_is_named_and_replaced(self):
        for what, hang in HANGS.items():
            with self.subTest(what), self.lab(self.file) as lab:
                kept = lab.identity("a")
                before = lab.init("b")
                hang(lab, "b")
                status = self.expect(nslab("status", "hangs", timeout=SECONDS), 0)
                self.assertRegex(status.out, r"(?m)^b +no answer")
                self.assertRegex(status.out, r"(?m)^a +up")
                plan = succeed(nslab("plan", self.file, "--json", timeout=SECONDS)).json
                self.assertEqual({step["id"] for step in plan["steps"]}, RESTARTED)
                self.assertIn("no answer", str(plan))
                self.expect(nslab("exec", "hangs/b", "--", "true", timeout=SECONDS), 1,
                            err=["node 'b' does not answer", "nslab up"])
                self.assertEqual(lab.read("a", "echo", "here", timeout=SECONDS), "here")
                succeed(nslab("up", self.file, timeout=SECONDS + 10))
                self.assertNotEqual(lab.init("b"), before)
                self.assertEqual(lab.identity("a"), kept)
                self.assertEqual(lab.read("b", "echo", "again"), "again")
                self.assert_nothing_to_do(self.file)

    def test_a_whole_lab_that_is_frozen(self):
        """The usual pause: nothing is destroyed for it, and what ends it is said."""
        lab = bring_up(lab_file(TEXT, "hangs"))
        self.addCleanup(nslab, "down", "hangs")
        inits = [lab.init(node) for node in "abc"]
        file = lab.cgroup("a").parent / "cgroup.freeze"
        file.write_text("1")
        for words in (["up", lab_file(TEXT, "hangs")], ["plan", lab_file(TEXT, "hangs")]):
            result = nslab(*words, timeout=SECONDS)
            self.assertIn(f"echo 0 > {file}", result.err)
        self.expect(nslab("up", lab_file(TEXT, "hangs"), timeout=SECONDS), 1, err="frozen")
        file.write_text("0")
        self.assert_nothing_to_do(lab_file(TEXT, "hangs"))
        self.assertEqual([lab.init(node) for node in "abc"], inits)
        file.write_text("1")
        self.expect(nslab("down", "hangs", timeout=SECONDS), 0, out="gone")

    def test_down_does_not_wait_for_it(self):
        polite = TEXT.replace("c: {interfaces", "c: {services: {p: {command: [sleep, infinity], stop: {timeout: 300s}}}, "
                              "interfaces")
        for what, hang in HANGS.items():
            with self.subTest(what), self.lab(lab_file(polite, "hangs")) as lab:
                hang(lab, "c")
                hang(lab, "a")
                succeed(nslab("down", "hangs", timeout=SECONDS))
                self.thaw()
                sandbox.remove_cgroups(OTHER)

    def test_so_many_wait_that_no_more_can(self):
        """Then connecting would wait, too."""
        with self.lab(self.file) as lab:
            os.kill(lab.init("b"), signal.SIGSTOP)
            waiting = []
            with contextlib.suppress(BlockingIOError):
                while len(waiting) < 20000:
                    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                    waiting.append(client)
                    client.setblocking(False)
                    client.connect("/run/nslab/hangs/nodes/b/init.sock")
            for words in (["status"], ["plan", self.file], ["exec", "hangs/a", "--", "true"]):
                succeed(nslab(*words, timeout=SECONDS))
            self.expect(nslab("exec", "hangs/b", "--", "true", timeout=SECONDS), 1, err="does not answer")
            succeed(nslab("up", self.file, timeout=SECONDS + 10))
            for client in waiting:
                client.close()
            self.assert_nothing_to_do(self.file)


if __name__ == "__main__":
    main()
