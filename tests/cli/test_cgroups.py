"""Limits of every kind over the life of a lab, on whatever versions of cgroups the host has."""

import os
import signal
import unittest
from pathlib import Path

from nslab_test import NSLAB, NslabTest, eventually, killed_by, lab_file, main, needs, nslab, run, sandbox, succeed

LAB = """
name: cgroups
nodes:
  limited:
    limits: {memory: 64M, cpus: 0.5, cpu_weight: 300, cpuset: "0", pids: 50}
    services: {sleeper: {command: [sleep, infinity]}}
  free:
    services: {sleeper: {command: [sleep, infinity]}}
"""
LIMITS = {"memory": 64 << 20, "cpus": 0.5, "cpuset": "0", "pids": 50}
NONE = {name: None for name in LIMITS}


class Cgroups(NslabTest):
    def limits(self, lab, node):
        return {name: lab.limit(node, name) or None for name in LIMITS}

    def lab(self):
        return super().lab(lab_file(LAB, "cgroups"))

    def file_of(self, new, old):
        """The file of a limit of the limited node, on either version."""
        parent = os.environ[sandbox.PARENT]
        path, = [root / parent / "cgroups/limited" / name for root in sandbox.cgroup_roots()
                 for name in {new, old} if (root / parent / "cgroups/limited" / name).exists()]
        return path

    def test_up_sets_them_and_up_again_does_nothing(self):
        with self.lab() as lab:
            self.assertEqual(self.limits(lab, "limited"), LIMITS)
            self.assertEqual(self.limits(lab, "free") | {"cpuset": None}, NONE)
            before = {node: lab.identity(node) for node in ("limited", "free")}
            self.assert_nothing_to_do(lab_file(LAB, "cgroups"))
            succeed(nslab("up", lab_file(LAB, "cgroups")))
            self.assertEqual({node: lab.identity(node) for node in before}, before)

    def test_every_process_of_a_node_is_under_its_limits(self):
        """In each hierarchy of a controller, not only in that of membership."""
        with self.lab() as lab:
            pids = {lab.init("limited"), *lab.services("limited").values()}
            self.assertEqual(len(pids), 2)
            for new, old in (("memory.max", "memory.limit_in_bytes"), ("cpu.max", "cpu.cfs_quota_us"),
                             ("cpuset.cpus", "cpuset.cpus"), ("pids.max", "pids.max")):
                procs = self.file_of(new, old).parent / "cgroup.procs"
                self.assertEqual({int(pid) for pid in procs.read_text().split()}, pids, procs)

    def test_they_change_in_place_and_go(self):
        with self.lab() as lab:
            before = {node: lab.identity(node) for node in ("limited", "free")}
            lab.up(LAB.replace("64M", "96M").replace("0.5", "1.5").replace("300", "50")
                   .replace('cpuset: "0"', 'cpuset: "1"').replace("50}", "70}"))
            self.assertEqual(self.limits(lab, "limited"),
                             {"memory": 96 << 20, "cpus": 1.5, "cpuset": "1", "pids": 70})
            lab.up(LAB.replace("free:", "free:\n    limits: {memory: 32M, pids: 20}"))
            self.assertEqual(lab.limit("free", "memory"), 32 << 20)
            self.assertEqual(lab.limit("free", "pids"), 20)
            lab.up(LAB.replace("    limits: {memory: 64M", "    x-was: {memory: 64M"))
            for node in ("limited", "free"):
                self.assertEqual(self.limits(lab, node) | {"cpuset": None}, NONE, node)
            self.assertEqual({node: lab.identity(node) for node in before}, before)
            self.assert_nothing_to_do(lab_file(LAB.replace("    limits:", "    x-was:"), "cgroups"))

    def test_a_limit_that_somebody_changed_is_mended(self):
        changes = {"memory": ("memory.max", "memory.limit_in_bytes", str(32 << 20)),
                   "cpus": ("cpu.max", "cpu.cfs_quota_us", "20000"),
                   "cpuset": ("cpuset.cpus", "cpuset.cpus", "1"),
                   "pids": ("pids.max", "pids.max", "10")}
        with self.lab() as lab:
            file = lab_file(LAB, "cgroups")
            for name, (new, old, value) in changes.items():
                with self.subTest(name):
                    self.file_of(new, old).write_text(value)
                    self.assertEqual(self.plan(file), [("change", "cgroup:limited")])
                    succeed(nslab("up", file))
                    self.assertEqual(self.limits(lab, "limited"), LIMITS)

    def test_status_counts_what_the_kernel_killed(self):
        with self.lab() as lab:
            self.assertEqual(lab.node_status("limited")["memory-limit-kills"], 0)
            hog = lab.exec("limited", "python3", "-c", 'b"x" * (256 << 20)')
            self.assertEqual(hog.code, killed_by(signal.SIGKILL), hog)
            status = lab.node_status("limited")
            self.assertEqual(status["memory-limit-kills"], 1)
            self.assertEqual(status["memory-limit"], 64 << 20)
            self.assertEqual(status["state"], "up")
            self.assertGreater(status["cpu-microseconds"], 0)

    def test_a_lab_whose_every_process_was_killed_goes_and_comes_back(self):
        with self.lab() as lab:
            for node in ("limited", "free"):
                succeed(run("kill", "-KILL", lab.init(node)))
                eventually(lambda: not lab.processes(node), "all its processes are gone")
            succeed(nslab("up", lab_file(LAB, "cgroups")))
            self.assertEqual(self.limits(lab, "limited"), LIMITS)
            self.assert_nothing_to_do(lab_file(LAB, "cgroups"))

    def test_the_kernel_module(self):
        """The tests of src/kernel/cgroup.h, which ctest runs on this kernel only."""
        program = Path(NSLAB).parents[1] / "tests/host_tests"
        result = run(program, "cgroup*", env={"NSLAB_TESTS_MUST_RUN": "1"}, timeout=120)
        self.expect(result, 0, out="All tests passed")


@needs("cgroup-v2:cpu", "cgroup-v2:cpuset", "cgroup-v2:memory", "cgroup-v2:pids")
class CgroupsOnVersion2(Cgroups):
    pass


@needs("cgroup-v1-alone")
class CgroupsOnVersion1Alone(Cgroups):
    pass


if __name__ == "__main__":
    main()
