"""What nslab did not make is neither taken over nor touched: it is a conflict that names it."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from nslab_test import NSLAB, NslabTest, lab_file, main, nslab, residue, run, succeed

LAB = """
name: mine
subnets: {net: 10.70.0.0/24}
nodes:
  web: {interfaces: {eth0: net}}
  other: {interfaces: {eth0: net}, limits: {pids: 50}}
"""


class Conflict(NslabTest):
    def setUp(self):
        # `ip netns` makes its directory a mount point the first time.
        succeed(run("ip", "netns", "add", "first"))
        succeed(run("ip", "netns", "del", "first"))
        self.clean = residue.snapshot()
        self.addCleanup(self.clean_up)

    def clean_up(self):
        """One test's failure is not the next one's."""
        if residue.settled(self.clean, 0.2):
            nslab("down", "--all")
            for name in residue.names():
                run("ip", "netns", "del", Path(name).name)
                Path(name).unlink(missing_ok=True)
            shutil.rmtree("/run/nslab", ignore_errors=True)
            run("ip", "link", "del", "mine.web")

    def conflicts(self, words):
        """plan and up both refuse, name it, and leave all as it is."""
        before = residue.snapshot()
        for command in ("plan", "up"):
            result = self.expect(nslab(command, lab_file(LAB, "mine")), 1, err=["error:", words])
            self.assertIn("mine.yaml:", result.err)
        self.assert_no_residue(before)

    def test_a_foreign_namespace_of_that_name(self):
        succeed(run("ip", "netns", "add", "mine.web"))
        inode = os.stat("/run/netns/mine.web").st_ino
        self.conflicts("web")
        succeed(nslab("down", "mine"))
        self.assertEqual(os.stat("/run/netns/mine.web").st_ino, inode)
        succeed(run("ip", "netns", "del", "mine.web"))

    def test_a_foreign_file_where_the_name_would_be(self):
        Path("/run/netns/mine.web").write_text("somebody's own\n")
        self.conflicts("web")
        succeed(nslab("down", "mine"))
        self.assertEqual(Path("/run/netns/mine.web").read_text(), "somebody's own\n")
        Path("/run/netns/mine.web").unlink()

    def test_a_foreign_directory_where_the_state_would_be(self):
        Path("/run/nslab/mine/precious").mkdir(parents=True)
        self.conflicts("/run/nslab/mine")
        nslab("down", "mine")
        self.assertTrue(Path("/run/nslab/mine/precious").is_dir())
        shutil.rmtree("/run/nslab")
        self.assert_no_residue(self.clean)

    def test_a_foreign_interface_in_a_node(self):
        with self.lab(LAB) as lab:
            succeed(run("ip", "-n", "mine.web", "link", "add", "eth1", "type", "bridge"))
            more = LAB + "links: [web:eth1 -- other:eth1]\n"
            self.expect(nslab("up", lab_file(more, "mine")), 1, err=["eth1"])
            self.assertIn("eth1", lab.links("web"))
            self.assertEqual(lab.links("other").keys(), {"eth0"})
            succeed(run("ip", "-n", "mine.web", "link", "del", "eth1"))
            self.assert_nothing_to_do(lab_file(LAB, "mine"))

    def test_look_alikes_of_other_labs_stay(self):
        """Names that begin as the lab's do, and links and namespaces that anybody may make."""
        for name in ("mine.web2", "mine2", "mine-x.web", "minex"):
            succeed(run("ip", "netns", "add", name))
        succeed(run("ip", "link", "add", "mine.web", "type", "bridge"))
        succeed(run("ip", "link", "set", "mine.web", "alias", "nslab:mine"))
        before = residue.snapshot()
        with self.lab(LAB):
            pass
        self.assert_no_residue(before)
        for name in ("mine.web2", "mine2", "mine-x.web", "minex"):
            succeed(run("ip", "netns", "del", name))
        succeed(run("ip", "link", "del", "mine.web"))

    def test_two_commands_at_once_have_one_winner(self):
        before = residue.snapshot()
        file = lab_file(LAB, "mine")
        ups = [subprocess.Popen([NSLAB, "up", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in range(6)]
        ends = [(process.communicate(timeout=60), process.returncode) for process in ups]
        self.assertIn(0, [code for _, code in ends])
        for (_, errors), code in ends:
            self.assertIn(code, (0, 1), errors)
            if code == 1:  # it names who holds the lab
                self.assertRegex(errors, r"error: lab 'mine' is being changed by .*\d+", errors)
        self.assert_nothing_to_do(file)
        succeed(nslab("down", "mine"))
        self.assert_no_residue(before)

    def test_waiting_for_the_other_command(self):
        before = residue.snapshot()
        file = lab_file(LAB, "mine")
        ups = [subprocess.Popen([NSLAB, "up", "--wait", file], stdout=subprocess.DEVNULL) for _ in range(4)]
        self.assertEqual([process.wait(60) for process in ups], [0] * 4)
        succeed(nslab("down", "mine"))
        self.assert_no_residue(before)


if __name__ == "__main__":
    main()
