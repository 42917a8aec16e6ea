"""What a command leaves that was killed, planted or caught in the act: down clears it, up mends it."""

import os
import unittest
from pathlib import Path

from nslab_test import NSLAB, NslabTest, lab_file, main, nslab, residue, run, sandbox, succeed

INJECT = os.environ.get("NSLAB_INJECT", str(Path(NSLAB).parents[1] / "tests/inject"))
STATE = Path("/run/nslab")
LAB = """
name: crash
nodes:
  a: {limits: {pids: 50}}
  b: {}
links: [{ends: [a:eth0, b:eth0], subnet: 10.120.0.0/30}]
"""
FSYNC, FCNTL, READLINK, GETDENTS, SENDTO, RECVMSG, SETNS = 74, 72, 89, 217, 44, 47, 308  # system calls
ENOMEM, EMFILE, ENOSPC = 12, 24, 28


class Crash(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.addCleanup(nslab, "down", "--all")
        self.file = lab_file(LAB, "crash")

    def cgroup(self, path):
        return next(root for root in sandbox.cgroup_roots()
                    if (root / "cgroup.controllers").exists()) / os.environ[sandbox.PARENT] / path

    def inject(self, call, count, error, *arguments, process="main"):
        return run(INJECT, "--in", process, "--at", f"{call}:{count}:{error}", "--", NSLAB, *arguments)

    def mended(self):
        succeed(nslab("up", self.file))
        self.assert_nothing_to_do(self.file)

    def gone(self):
        succeed(nslab("down", "crash"))
        self.assert_no_residue(self.before)

    def test_killed_with_the_lock_and_nothing_else(self):
        for name in ("crash.lock", "crash.intended.new"):
            STATE.mkdir()
            (STATE / name).touch(mode=0o600)
            self.assertIn("crash", succeed(nslab("ls")).out)
            self.gone()

    def test_killed_before_the_last_directories_were_removed(self):
        STATE.mkdir()
        self.gone()
        STATE.mkdir()
        (STATE / ".made-names-dir").touch()
        Path("/run/netns").mkdir()
        (STATE / ".made-cgroup-parent").touch()
        self.cgroup("").mkdir()
        self.gone()

    def test_prune_removes_the_last_directories_too(self):
        STATE.mkdir()
        (STATE / ".made-cgroup-parent").touch()
        self.cgroup("").mkdir()
        succeed(nslab("prune", "--yes"))
        self.assert_no_residue(self.before)

    def test_a_names_directory_that_was_there_stays(self):
        Path("/run/netns").mkdir()
        self.mended()
        succeed(nslab("down", "crash"))
        self.assertTrue(Path("/run/netns").is_dir())
        Path("/run/netns").rmdir()
        self.assert_no_residue(self.before)

    def test_killed_before_a_cable_had_its_mark(self):
        self.mended()
        for node in "ab":
            succeed(run("ip", "-n", f"crash.{node}", "link", "set", "eth0", "alias", ""))
        self.mended()
        self.gone()

    def test_killed_after_the_nodes_were_killed(self):
        """A cgroup that was killed kills what is cloned into it later."""
        self.mended()
        (STATE / "crash/.going").touch()
        self.cgroup("crash/cgroup.kill").write_text("1")
        self.mended()
        self.gone()

    def test_a_node_that_was_killed_by_its_cgroup(self):
        self.mended()
        self.cgroup("crash/a/cgroup.kill").write_text("1")
        self.mended()
        self.gone()

    def test_what_cannot_be_recorded_is_taken_back(self):
        """The intent is written before the first change, and becomes the record after the last."""
        for count in (1, 2, 3):
            result = self.inject(FSYNC, count, ENOSPC, "up", self.file)
            self.expect(result, 1, err=["crash.intended" if count == 1 else "/run/nslab", "ENOSPC"])
            self.assert_no_residue(self.before)

    def test_a_moment_without_memory_does_not_strand_it_in_another_namespace(self):
        """Every second call goes back."""
        result = self.inject(SETNS, 2, ENOMEM, "up", self.file)
        self.expect(result, 0)
        self.assert_nothing_to_do(self.file)
        self.gone()

    def test_what_down_cannot_see_is_an_error(self):
        """A directory or a link that cannot be read is not taken for an empty one."""
        for call, error in ((GETDENTS, ENOMEM), (READLINK, ENOMEM), (FCNTL, EMFILE)):
            for count in range(5, 40, 15):
                self.mended()
                result = self.inject(call, count, error, "down", "crash")
                self.assertIn(result.code, (0, 1), result)
                if result.code == 0:
                    self.assert_no_residue(self.before)
                self.gone()

    def test_a_helper_that_cannot_speak_or_hear_ends(self):
        for call in (SENDTO, RECVMSG):
            self.expect(self.inject(call, 1, ENOMEM, "up", self.file, process="helper"), 1, err="creating node:")
            self.assert_no_residue(self.before)


if __name__ == "__main__":
    main()
