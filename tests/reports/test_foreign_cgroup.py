"""containerd #1932, runtime-spec #944, runc PR 2037: a cgroup of the same path is taken for
one's own, and what somebody else runs in it is killed."""

import os
import subprocess
import unittest

from nslab_test import NslabTest, lab_file, main, nslab, residue, sandbox, succeed

PARENT = os.environ[sandbox.PARENT]
LAB = "name: taken\nnodes: {a: {limits: {pids: 50}}}\n"


def hierarchies():
    """Those that a lab with a limit has cgroups in, each alone, and all."""
    roots = sandbox.cgroup_roots()
    named = [root for root in roots if (root / "cgroup.controllers").exists() or "pids" in root.name.split(",")]
    return [[root] for root in named] + ([named] if len(named) > 1 else [])


class ForeignCgroup(NslabTest):
    def setUp(self):
        self.addCleanup(sandbox.remove_cgroups, PARENT)
        self.addCleanup(nslab, "down", "--all")

    def somebody(self, roots, place):
        """A process in a cgroup that nslab did not make."""
        process = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for root in roots:
            (root / PARENT / place).mkdir(parents=True, exist_ok=True)
            (root / PARENT / place / "cgroup.procs").write_text(str(process.pid))
        return process

    def test_no_command_ends_what_is_in_it(self):
        file = lab_file(LAB, "taken")
        for roots in hierarchies():
            for words, code in ((("up", file), 1), (("down", "taken"), 0), (("prune", "--yes"), 0),
                                (("down", "--all"), 0)):
                with self.subTest(roots=roots, words=words):
                    somebody = self.somebody(roots, "taken")
                    result = self.expect(nslab(*words), code)
                    self.assertIsNone(somebody.poll(), result)
                    self.assertNotIn("taken", succeed(nslab("ls")).out)
                    somebody.kill()
                    somebody.wait()
                    sandbox.remove_cgroups(PARENT)

    def test_up_names_it(self):
        self.somebody(hierarchies()[0], "taken")
        before = residue.snapshot()
        self.expect(nslab("up", lab_file(LAB, "taken")), 1, err=[f"{PARENT}/taken", "nslab did not make it", "taken.yaml:"])
        self.assert_no_residue(before)

    def test_beside_a_lab_it_is_left_alone(self):
        somebody = self.somebody(hierarchies()[-1], "others")
        before = residue.snapshot()
        succeed(nslab("up", lab_file(LAB, "taken")))
        self.assertNotIn("others", succeed(nslab("ls")).out)
        succeed(nslab("down", "--all"))
        self.assertIsNone(somebody.poll())
        self.assert_no_residue(before)

    def test_the_parent_is_a_name(self):
        for name in ("/", ".", "..", "../x", "a/b", "/nslab", "a b", "cgroup.procs", "x" * 200):
            for words in (("up", lab_file(LAB, "taken")), ("down", "taken"), ("prune", "--yes"), ("ls",)):
                with self.subTest(name=name, words=words):
                    self.expect(nslab(*words, env={"NSLAB_CGROUP_PARENT": name}), 2,
                                err=["NSLAB_CGROUP_PARENT", "no name of a cgroup"])


if __name__ == "__main__":
    main()
