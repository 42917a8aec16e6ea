"""Two commands on one lab take turns, and each knows of the other; labs do not wait for each other."""

import contextlib
import signal
import subprocess
import unittest
from pathlib import Path

from nslab_test import NSLAB, NslabTest, eventually, killed_at_the_end, lab_file, main, nslab, residue, succeed

LAB = """
name: held
nodes: {a: {setup: [SETUP]}}
"""


def start(*words, before=()):
    return subprocess.Popen([*map(str, before), NSLAB, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def runs(command):
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if process.read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode() == command:
                return True
    return False


def waits_for_lock(pid):
    """The kernel's list of locks names those who wait with an arrow."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any("->" in words and str(pid) in words for words in lines)


class Lock(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.addCleanup(nslab, "down", "--all")
        self.file = lab_file(LAB.replace("SETUP", "sleep 600"), "held")

    @contextlib.contextmanager
    def holder(self):
        """An `up` that is in a setup command."""
        with killed_at_the_end(start("up", self.file)) as up:
            eventually(lambda: runs("sleep 600"), "node a is in its setup")
            yield up

    def test_a_refusal_names_the_holder(self):
        with self.holder() as up:
            for words in (("down", "held"), ("up", self.file)):
                result = self.expect(nslab(*words), 1, err="--wait")
                self.assertRegex(result.err, rf"lab 'held' is being changed by 'nslab up' \(pid {up.pid}, "
                                             r"since \d\d:\d\d:\d\d\)")

    def test_reading_needs_no_lock(self):
        with self.holder():
            for words in (("ls",), ("status", "held"), ("plan", self.file)):
                succeed(nslab(*words))

    def test_another_lab_does_not_wait(self):
        with self.holder():
            with self.lab(LAB.replace("held", "other").replace("SETUP", "true")):
                pass

    def test_a_file_is_read_while_its_lab_is_held(self):
        """`up` of a file looks at the lab that this brought up, and lets it go if the file is about another."""
        text = LAB.replace("SETUP", "true")
        file = lab_file(text, "held")
        succeed(nslab("up", file))
        lock = Path("/run/nslab/held.lock")
        lab_file(text.replace("nodes", "node"), "held")
        self.expect(nslab("up", file), 2, err="unknown key 'node'")
        self.assertFalse(lock.exists())
        lab_file(text.replace("held", "other"), "held")
        self.assertIn("lab 'other' is up", succeed(nslab("up", file)).out)
        self.assertFalse(lock.exists())
        for name in ("held", "other"):
            succeed(nslab("down", name))
        self.assert_no_residue(self.before)

    def test_waiting_its_turn(self):
        with self.holder() as up, killed_at_the_end(start("down", "--wait", "held")) as down:
            eventually(lambda: waits_for_lock(down.pid), "down waits")
            self.assertIsNone(down.poll())
            up.send_signal(signal.SIGINT)
            self.assertEqual(up.wait(30), 1)
            self.assertEqual(down.wait(30), 0)
        self.assert_no_residue(self.before)

    def test_an_interrupt_ends_the_wait(self):
        with self.holder(), killed_at_the_end(start("down", "--wait", "held")) as down:
            eventually(lambda: waits_for_lock(down.pid), "down waits")
            down.send_signal(signal.SIGINT)
            self.assertIn("interrupted", down.communicate(timeout=30)[1])
            self.assertEqual(down.returncode, 1)

    def test_one_that_was_overtaken_leaves_the_holders_lock(self):
        """It made the file, another command was the first to lock it; it waits, and is interrupted."""
        lock = Path("/run/nslab/held.lock")
        stopped = ["strace", "-D", "-qq", "-o", "/dev/null", "-P", lock, "-e", "trace=openat",
                   "-e", "inject=openat:signal=SIGSTOP:when=1"]
        with killed_at_the_end(start("up", "--wait", self.file, before=stopped)) as overtaken:
            eventually(lock.exists, "the lock is made")
            self.assertEqual(lock.read_text(), "")
            with self.holder() as up:
                overtaken.send_signal(signal.SIGCONT)
                eventually(lambda: waits_for_lock(overtaken.pid), "the first one waits")
                overtaken.send_signal(signal.SIGINT)
                self.assertIn("interrupted", overtaken.communicate(timeout=30)[1])
                self.expect(nslab("down", "held"), 1, err=f"'nslab up' (pid {up.pid}, ")
        succeed(nslab("down", "held"))
        self.assert_no_residue(self.before)

    def test_a_killed_holder_holds_nothing(self):
        with self.holder() as up:
            up.kill()
            up.wait(30)
            succeed(nslab("down", "held"))
        self.assert_no_residue(self.before)


if __name__ == "__main__":
    main()
