"""prune finds by nslab's marks what no lab owns, shows it, and removes it when told to."""

import os
import unittest
from pathlib import Path

from nslab_test import NslabTest, bring_up, lab_file, main, nslab, residue, run, sandbox, succeed

STATE = Path("/run/nslab")
LAB = """
name: NAME
subnets: {net: 10.130.0.0/24}
nodes:
  a:
    interfaces: {eth0: net}
    limits: {pids: 50}
    services: {sleeper: {command: [sleep, infinity]}}
  b: {interfaces: {eth0: net}}
"""


def v2_cgroup(path):
    return next(root for root in sandbox.cgroup_roots()
                if (root / "cgroup.controllers").exists()) / os.environ[sandbox.PARENT] / path


class Prune(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.addCleanup(nslab, "down", "--all")

    def orphan(self, name="lost"):
        """A lab whose record is lost."""
        lab = bring_up(lab_file(LAB.replace("NAME", name), name))
        (STATE / f"{name}.applied").unlink()
        return lab

    def labs(self):
        return [lab["lab"] for lab in succeed(nslab("prune", "--json")).json]

    def pruned(self, *names):
        """It is found, removed, and then there is nothing more."""
        self.assertEqual(self.labs(), list(names))
        succeed(nslab("prune", "--yes"))
        self.assertEqual(self.labs(), [])
        self.assert_no_residue(self.before)

    def test_nothing_to_prune(self):
        self.expect(nslab("prune"), 0, err="nothing to prune")
        self.assert_no_residue(self.before)

    def test_a_lab_is_nobodys_without_its_record(self):
        lab = self.orphan()
        shown = self.expect(nslab("prune"), 0, out=["lost", "node:a", "bridge:net", "cable a:eth0", "cgroup:a"],
                            err="--yes")
        self.assertIn("service:a/sleeper", shown.out)
        self.assertTrue(lab.services("a"))  # shown, and no more
        self.pruned("lost")

    def test_the_plan_as_json(self):
        self.orphan()
        found, = succeed(nslab("prune", "--json")).json
        self.assertEqual([(step["action"], step["id"]) for step in found["plan"]["steps"]],
                         [("destroy", "lab")])
        self.assertLessEqual({"netns:a", "node:b", "bridge:net"}, set(found["plan"]["gone-with-them"]))
        self.pruned("lost")

    def test_labs_with_an_owner_stay(self):
        owned = bring_up(lab_file(LAB.replace("NAME", "owned"), "owned"))
        identity = owned.identity("a")
        self.orphan()
        self.assertEqual(self.labs(), ["lost"])
        succeed(nslab("prune", "--yes"))
        self.assertEqual(owned.identity("a"), identity)
        self.assert_nothing_to_do(lab_file(LAB.replace("NAME", "owned"), "owned"))
        succeed(nslab("down", "owned"))
        self.assert_no_residue(self.before)

    def test_each_thing_that_can_be_left_alone(self):
        def mount():
            (STATE / "lost").mkdir(parents=True)
            succeed(run("mount", "-t", "tmpfs", "nslab:lost", STATE / "lost"))

        def name():
            Path("/run/netns").mkdir()
            STATE.mkdir()
            (STATE / ".made-names-dir").touch()
            Path("/run/netns/lost.a").symlink_to(STATE / "lost/ns/a")

        def cgroup():
            directory = v2_cgroup("lost/a")
            directory.mkdir(parents=True)
            os.setxattr(directory.parents[1], "trusted.nslab", b"labs")
            device = os.stat("/run").st_dev
            os.setxattr(directory.parent, "trusted.nslab", f"{os.major(device)}:{os.minor(device)} {STATE}".encode())

        def file(path):
            def plant():
                (STATE / path).parent.mkdir(parents=True)
                (STATE / path).touch(mode=0o600)  # anybody's is left alone: test_state
            return plant

        for what, plant in {"a mount": mount, "a name": name,
                            "a cgroup": cgroup,
                            "a lock": file("lost.lock"), "half a record": file("lost.intended.new"),
                            "an empty record": file("lost.applied")}.items():
            with self.subTest(what):
                plant()
                self.pruned("lost")

    def test_a_stub_of_a_name(self):
        """As a kill leaves it between making the file and mounting the namespace on it."""
        self.orphan()
        (STATE / "lost/ns/stub").touch()
        self.assertIn("netns:stub", succeed(nslab("prune")).out)
        self.pruned("lost")

    def test_processes_that_outlived_everything(self):
        lab = self.orphan()
        for mount in (STATE / "lost/ns", STATE / "lost"):
            succeed(run("umount", "-l", mount))
        self.assertTrue(lab.processes("a"))
        self.pruned("lost")

    def test_a_killed_up(self):
        file = lab_file(LAB.replace("NAME", "lost"), "lost")
        inject = os.environ.get("NSLAB_INJECT", str(Path(os.environ["NSLAB"]).parents[1] / "tests/inject"))
        killed = run(inject, "--at", "46:3:kill", "--", os.environ["NSLAB"], "up", file)  # sendmsg
        self.assertEqual(killed.code, 137)
        self.pruned("lost")

    def test_a_record_alone_is_no_lab(self):
        """As a host that was cut off leaves it: all else is gone."""
        file = lab_file(LAB.replace("NAME", "lost"), "lost")
        bring_up(file)
        record = (STATE / "lost.applied").read_bytes()
        succeed(nslab("down", "lost"))
        STATE.mkdir()
        (STATE / "lost.applied").write_bytes(record)
        row, = succeed(nslab("ls", "--json")).json
        self.assertEqual((row["state"], row["nodes"]), ("gone", 0))
        self.pruned("lost")

    def test_what_is_not_nslabs_is_shown_to_nobody(self):
        (STATE / "lost").mkdir(parents=True)
        (STATE / "lost/precious").touch()
        for _ in range(2):
            said = self.expect(nslab("prune", "--yes"), 0, err="nothing to prune")
            self.assertNotIn("removed", said.err)
        self.assertEqual(self.labs(), [])
        self.assertTrue((STATE / "lost/precious").exists())
        (STATE / "lost/precious").unlink()
        (STATE / "lost").rmdir()
        STATE.rmdir()


if __name__ == "__main__":
    main()
