"""Where the machine has no more to give, up says of what, and takes back what it did."""

import os
import unittest
from pathlib import Path

from nslab_test import NSLAB, NslabTest, lab_file, main, nslab, residue, run, sandbox, succeed

LAB = """
name: much
nodes:
  a: {services: {sleeper: {command: [sleep, infinity]}}}
  b: {}
links: [{ends: [a:eth0, b:eth0], subnet: 10.140.0.0/30}]
"""

MANY = """
name: many
subnets: {net: 10.141.0.0/24}
defaults: {interfaces: {eth0: net}}
nodes:
""" + "".join(f"  n{i}: {{}}\n" for i in range(40))


class Exhaustion(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.addCleanup(nslab, "down", "--all")
        self.file = lab_file(LAB, "much")

    def refused(self, result, words):
        self.expect(result, 1, err=["error:", *words])
        self.assert_no_residue(self.before)

    def refused_or_up(self, result, words):
        if result.code == 0:
            succeed(nslab("down", "--all"))
            self.assert_no_residue(self.before)
        else:
            self.refused(result, words)

    def test_descriptors(self):
        """Whatever they suffice for: all of it, nothing, or the advice to take it down."""
        failed = 0
        for limit in range(4, 24, 2):
            result = run("prlimit", f"--nofile={limit}:{limit}", NSLAB, "up", self.file)
            if result.code == 0:
                succeed(nslab("down", "much"))
            elif "shared libraries" not in result.err:
                failed += 1
                self.assertEqual(result.code, 1, result)
                self.assertRegex(result.err, "EMFILE|open files")
                if "could not be put back" in result.err:  # rolling back takes some, too
                    succeed(nslab("down", "much"))
            self.assert_no_residue(self.before)
        self.assertGreater(failed, 0)

    def test_processes(self):
        """Also where there is so much to do that it would be done by several threads."""
        root = next(root for root in sandbox.cgroup_roots()
                    if root.name == "pids" or (root / "cgroup.controllers").exists()
                    and "pids" in (root / "cgroup.controllers").read_text().split())
        group = root / f"{os.environ[sandbox.PARENT]}-few"
        group.mkdir()
        self.addCleanup(group.rmdir)
        enter = f'echo $$ >{group}/cgroup.procs && exec "$0" "$@"'
        for file in (self.file, lab_file(MANY, "many")):
            for limit in (1, 2, 5):
                (group / "pids.max").write_text(str(limit))
                self.refused_or_up(run("sh", "-c", enter, NSLAB, "up", file), ["EAGAIN"])

    def test_room_for_the_record(self):
        small = Path("/run/small")
        small.mkdir()
        self.addCleanup(small.rmdir)
        succeed(run("mount", "-t", "tmpfs", "-o", "size=4k", "small", small))
        self.addCleanup(run, "umount", small)
        self.before = residue.snapshot()
        (small / "filler").write_bytes(bytes(4096))
        env = {"NSLAB_STATE_DIR": str(small / "state")}
        self.expect(nslab("up", self.file, env=env), 1, err=["ENOSPC", str(small)])
        (small / "filler").unlink()
        self.assert_no_residue(self.before)

    def test_inodes_for_the_record(self):
        small = Path("/run/small")
        small.mkdir()
        self.addCleanup(small.rmdir)
        self.addCleanup(run, "umount", small)
        for inodes in range(2, 8):
            succeed(run("mount", "-t", "tmpfs", "-o", f"nr_inodes={inodes}", "small", small))
            before = residue.snapshot()
            env = {"NSLAB_STATE_DIR": str(small / "state")}
            result = nslab("up", self.file, env=env)
            if result.code == 0:
                succeed(nslab("down", "much", env=env))
            else:
                self.expect(result, 1, err="ENOSPC")
            self.assert_no_residue(before)
            succeed(run("umount", small))


if __name__ == "__main__":
    main()
