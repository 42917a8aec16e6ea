"""A failed `up` leaves the lab as it was: not there, or running."""

import signal
import subprocess
import unittest
from pathlib import Path

from nslab_test import NSLAB, NslabTest, eventually, killed_at_the_end, lab_file, main, nslab, residue, succeed

LAB = """
name: rollback
subnets: {net: 10.80.0.0/24}
nodes:
  a:
    interfaces: {eth0: net}
    services: {sleeper: {command: [sleep, infinity]}}
  b:
    interfaces: {eth0: net}
    setup:
      - "true"
"""

BREAKS = [
    ("a setup line that fails", 'setup:\n      - "true"\n      - echo it $((1+1)) breaks; exit 7\n', ["> it 2 breaks", "with 7"]),
    ("a service that never gets ready",
     'services: {late: {command: [sleep, infinity], ready: {tcp: 9, timeout: 300ms}}}\n', ["late"]),
    ("a service that ends at once",
     'services: {gone: {command: [sh, -c, "echo wrong; exit 3"], ready: {tcp: 9}}}\n', ["gone"]),
    ("a service whose program is not there",
     'services: {none: {command: [/no/such/program]}}\n', ["/no/such/program"]),
    ("a route the kernel refuses",
     "routes: [{to: 10.0.0.0/8, via: 10.80.0.77, metric: 4294967295}, {to: 10.0.0.0/8, dev: nosuch}]\n", []),
]


def commands():
    """The command lines of every process of the sandbox."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_bytes().rstrip(b"\0"))
        except OSError:
            pass  # it has ended
    return lines


def broken(change):
    return LAB.replace('setup:\n      - "true"\n', change)


class Rollback(NslabTest):
    def up_in_setup(self):
        """An `up` that waits for a setup command of b; it prints its steps to stderr."""
        file = lab_file(broken("setup: [sleep 60]\n"), "rollback")
        up = subprocess.Popen([NSLAB, "up", "-v", file], stderr=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL)
        eventually(lambda: b"sleep\x0060" in commands(), "b is in its setup")
        return up

    def fails(self, text, words):
        result = nslab("up", lab_file(text, "rollback"))
        self.assertIn(result.code, (1, 2), result)
        for each in words:
            self.assertIn(each, result.err)
        return result

    def test_a_first_up_that_fails_leaves_nothing(self):
        for what, change, words in BREAKS:
            with self.subTest(what):
                before = residue.snapshot()
                result = self.fails(broken(change), words)
                self.assertIn("rollback.yaml:", result.err)
                self.assert_no_residue(before)
                self.assertNotIn("rollback", succeed(nslab("ls")).out)

    def test_on_a_running_lab_it_leaves_it_as_it_was(self):
        with self.lab(LAB) as lab:
            for what, change, words in BREAKS:
                with self.subTest(what):
                    before = lab.identity("a")
                    cables = lab.links("b")
                    self.fails(broken(change), words)
                    self.assertEqual(lab.identity("a"), before)
                    self.assertEqual(lab.links("b"), cables)
                    self.assert_nothing_to_do(lab_file(LAB, "rollback"))

    def test_the_error_points_to_the_line_that_asked_for_it(self):
        text = broken(BREAKS[0][1])
        line = text.splitlines().index("      - echo it $((1+1)) breaks; exit 7") + 1
        self.assertIn(f"rollback.yaml:{line}:", self.fails(text, []).err)

    def test_a_wreck_is_kept_when_asked(self):
        before = residue.snapshot()
        result = nslab("up", "--keep", lab_file(broken(BREAKS[0][1]), "rollback"))
        self.assertEqual(result.code, 1, result)
        self.assertEqual(succeed(nslab("exec", "rollback/b", "--", "hostname")).text, "b")
        succeed(nslab("down", "rollback"))
        self.assert_no_residue(before)

    def test_an_interrupt_rolls_back(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            before = residue.snapshot()
            with killed_at_the_end(self.up_in_setup()) as up:
                up.send_signal(number)
                rest = up.stderr.read()
                self.assertEqual(up.wait(20), 1, rest)
            self.assertIn("interrupt", rest)
            self.assert_no_residue(before)

    def test_an_interrupt_puts_a_running_lab_back(self):
        with self.lab(LAB) as lab:
            before = lab.identity("a")
            with killed_at_the_end(self.up_in_setup()) as up:
                up.send_signal(signal.SIGINT)
                rest = up.stderr.read()
                self.assertEqual(up.wait(20), 1, rest)
            self.assertIn("interrupt", rest)
            self.assertNotIn("could not be put back", rest)
            self.assertEqual(lab.identity("a"), before)
            self.assert_nothing_to_do(lab_file(LAB, "rollback"))

    def test_a_killed_up_is_taken_down_whole(self):
        before = residue.snapshot()
        with killed_at_the_end(self.up_in_setup()) as up:
            up.kill()
        self.assertIn("rollback", succeed(nslab("ls")).out)
        succeed(nslab("down", "rollback"))
        self.assert_no_residue(before)

    def test_a_killed_up_is_finished_by_the_next(self):
        before = residue.snapshot()
        with killed_at_the_end(self.up_in_setup()) as up:
            up.kill()
        succeed(nslab("up", lab_file(LAB, "rollback")))
        self.assert_nothing_to_do(lab_file(LAB, "rollback"))
        succeed(nslab("down", "rollback"))
        self.assert_no_residue(before)


if __name__ == "__main__":
    main()
