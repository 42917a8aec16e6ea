"""down needs no file, knows its limits, and is as good the second time."""

import contextlib
import unittest
from pathlib import Path

from nslab_test import NslabTest, bring_up, eventually, lab_file, main, nslab, residue, run, succeed

LAB = """
name: down
subnets: {net: 10.110.0.0/24}
nodes:
  a:
    interfaces: {eth0: net}
    limits: {pids: 50}
    services: {stubborn: {command: [sh, -c, "trap '' TERM HUP INT; while :; do sleep 1; done"]}}
  b: {interfaces: {eth0: net}}
"""


def command_lines(lab, node):
    lines = []
    for pid in lab.processes(node):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            line = Path("/proc", str(pid), "cmdline").read_bytes()
            lines.append(line.rstrip(b"\0").replace(b"\0", b" ").decode())
    return lines


class Down(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.addCleanup(nslab, "down", "--all")  # so that one failure is not also the next test's

    def up(self, name="down"):
        file = lab_file(LAB.replace("name: down", f"name: {name}"), name)
        return bring_up(file), file

    def gone(self):
        self.assertEqual(succeed(nslab("ls", "--json")).json, [])
        self.assert_no_residue(self.before)

    def test_by_name_without_the_file(self):
        _, file = self.up()
        file.unlink()
        self.expect(nslab("down", "down"), 0)
        self.gone()

    def test_by_the_file_and_by_an_edited_file(self):
        _, file = self.up()
        succeed(nslab("down", file))
        self.gone()
        _, file = self.up()
        file.write_text(LAB.replace("  b: {interfaces: {eth0: net}}\n", "").replace("a:", "z:"))
        succeed(nslab("down", file))
        self.gone()

    def test_the_only_lab_needs_no_name(self):
        self.up()
        self.expect(nslab("down"), 0, out="down")
        self.gone()

    def test_of_two_labs_one_must_be_named(self):
        self.up("down")
        self.up("other")
        result = nslab("down")
        self.assertNotEqual(result.code, 0)
        self.assertIn("other", result.err)
        self.assertEqual(len(succeed(nslab("ls", "--json")).json), 2)
        succeed(nslab("down", "down"))
        self.assertEqual([lab["lab"] for lab in succeed(nslab("ls", "--json")).json], ["other"])
        self.assertEqual(succeed(nslab("exec", "a", "--", "hostname")).text, "a")
        succeed(nslab("down", "other"))
        self.gone()

    def test_all(self):
        self.up("down")
        self.up("other")
        succeed(nslab("down", "--all"))
        self.gone()
        self.expect(nslab("down", "--all"), 0)

    def test_twice(self):
        self.up()
        self.expect(nslab("down", "down"), 0)
        self.expect(nslab("down", "down"), 0, err="nothing to do")
        self.gone()

    def test_a_lab_that_never_was(self):
        self.expect(nslab("down", "never"), 0, err=["never", "nothing to do"])
        self.gone()

    def test_what_names_no_lab_takes_no_lab_away(self):
        """The file name of "labs/" is empty, and so would be the lab's: its cgroup is that of all labs."""
        lab, file = self.up()
        inits = lab.init("a"), lab.init("b")
        directory = f"{file.parent}/"
        for target in (directory, f"{directory}.", f"{directory}/", "./"):
            self.expect(nslab("down", target), 1, err="it is a directory")
            self.assertEqual((lab.init("a"), lab.init("b")), inits, target)
        for target in ("", ".", directory, f"{lab.name}/"):
            self.expect(nslab("status", target) if target else nslab("status", "/"), 1)
        succeed(nslab("down", lab.name))

    def test_without_its_record(self):
        """The marks in the kernel are enough."""
        self.up()
        for name in Path("/run/nslab").glob("down.*"):
            name.unlink()
        self.assertIn("down", succeed(nslab("ls")).out)
        succeed(nslab("down", "down"))
        self.gone()

    def test_with_a_damaged_record(self):
        for damage in (b"", b"{", b"[]", b"\0" * 100, b'{"version": 999}'):
            self.up()
            Path("/run/nslab/down.applied").write_bytes(damage)
            succeed(nslab("down", "down"))
            self.gone()

    def test_after_its_nodes_were_killed_and_its_names_removed(self):
        lab, _ = self.up()
        succeed(run("kill", "-KILL", lab.init("a")))
        Path("/run/netns/down.b").unlink()
        succeed(nslab("down", "down"))
        self.gone()

    def test_nodes_that_hang_do_not_hold_it_up_one_after_another(self):
        """Their silence is one, and not the longest that an init may be waited for."""
        lab, _ = self.up()
        for node in ("a", "b"):
            succeed(run("kill", "-STOP", lab.init(node)))
        succeed(nslab("down", "down", timeout=50))
        self.gone()

    def test_processes_that_were_started_by_hand_go_too(self):
        lab, _ = self.up()
        lab.shell("a", "setsid sleep 1000 >/dev/null 2>&1 </dev/null &")
        eventually(lambda: "sleep 1000" in command_lines(lab, "a"), "the process has started")
        succeed(nslab("down", "down"))
        self.gone()

    def test_what_nodes_made_goes_too(self):
        lab, _ = self.up()
        lab.shell("b", "ip link add own type bridge && ip netns add inner && mount -t tmpfs x /mnt && touch /tmp/x")
        succeed(nslab("down", "down"))
        self.gone()

    def test_somewhere_else(self):
        """NSLAB_STATE_DIR moves the state."""
        env = {"NSLAB_STATE_DIR": "/run/elsewhere"}
        file = lab_file(LAB, "down")
        succeed(nslab("up", file, env=env))
        self.assertTrue(Path("/run/elsewhere/down").is_dir())
        self.assertFalse(Path("/run/nslab").exists())
        self.assertEqual(succeed(nslab("exec", "b", "--", "hostname", env=env)).text, "b")
        succeed(nslab("down", "down", env=env))
        self.gone()

    def test_many_times(self):
        for _ in range(10):
            _, file = self.up()
            succeed(nslab("down", file))
        self.gone()


class OfANode(NslabTest):
    def test_it_is_no_lab(self):
        file = lab_file("name: t\nnodes: {aa: {}}\n", "t")
        succeed(nslab("up", file))
        try:
            for target in ("t.aa", "aa"):
                self.expect(nslab("down", target), 2, err=["is a node of lab 't'", "nslab down t"])
            self.assert_nothing_to_do(file)
        finally:
            succeed(nslab("down", "t"))


if __name__ == "__main__":
    main()
