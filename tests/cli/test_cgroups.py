"""Limits of every kind over the life of a lab, on whatever versions of cgroups the host has."""

import os
import signal
import unittest
from pathlib import Path

from nslab_test import LabTest, NSLAB, eventually, killed_by, lab_file, main, needs, run, sandbox, succeed

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
DEFAULT = NONE | {"pids": 4096}
NODES = ("limited", "free")
# The files that hold them, on version 2 and on version 1.
FILES = {"memory": ("memory.max", "memory.limit_in_bytes"), "cpus": ("cpu.max", "cpu.cfs_quota_us"),
         "cpuset": ("cpuset.cpus", "cpuset.cpus"), "pids": ("pids.max", "pids.max")}


class Cgroups(LabTest):
    file = lab_file(LAB, "cgroups")

    def setUp(self):
        self.up(LAB)  # one test's failure is not the next one's
        self.identities = self.identity()

    def up(self, text):
        self.running.up(text)

    def identity(self):
        return {node: self.running.identity(node) for node in NODES}

    def limits(self, node):
        """As the kernel has them. A list of all processors is none."""
        limits = {name: self.running.limit(node, name) or None for name in LIMITS}
        everywhere = Path("/sys/devices/system/cpu/online").read_text().strip()
        return limits | ({"cpuset": None} if limits["cpuset"] == everywhere else {})

    def file_of(self, limit):
        path, = [path for root in sandbox.cgroup_roots() for name in set(FILES[limit])
                 if (path := root / os.environ[sandbox.PARENT] / "cgroups/limited" / name).exists()]
        return path

    def test_up_sets_them(self):
        self.assertEqual(self.limits("limited"), LIMITS)
        self.assertEqual(self.limits("free"), DEFAULT)

    def test_every_process_of_a_node_is_under_them(self):
        """In each hierarchy of a controller, not only in that of membership."""
        pids = {self.running.init("limited"), *self.running.services("limited").values()}
        self.assertEqual(len(pids), 2)
        for limit in LIMITS:
            procs = self.file_of(limit).parent / "cgroup.procs"
            self.assertEqual({int(pid) for pid in procs.read_text().split()}, pids, procs)

    def test_they_change_in_place_and_go(self):
        self.up(LAB.replace("64M", "96M").replace("0.5", "1.5").replace("300", "50")
                .replace('cpuset: "0"', 'cpuset: "1"').replace("50}", "70}")
                .replace("free:", "free:\n    limits: {memory: 32M, pids: 20}"))
        self.assertEqual(self.limits("limited"), {"memory": 96 << 20, "cpus": 1.5, "cpuset": "1", "pids": 70})
        self.assertEqual(self.limits("free"), NONE | {"memory": 32 << 20, "pids": 20})
        self.up(LAB.replace("    limits:", "    x-was:"))
        for node in NODES:
            self.assertEqual(self.limits(node), DEFAULT, node)
        self.up(LAB.replace("    limits:", "    x-was:").replace("services:", "limits: {pids: none}\n    services:"))
        for node in NODES:
            self.assertEqual(self.limits(node), NONE, node)
        self.up(LAB)
        self.assertEqual(self.identity(), self.identities)
        self.assert_nothing_to_do(self.file)

    def test_one_that_somebody_changed_is_mended(self):
        for limit, value in {"memory": 32 << 20, "cpus": 20000, "cpuset": 1, "pids": 10}.items():
            self.file_of(limit).write_text(str(value))
        self.assertEqual(self.plan(self.file), [("change", "cgroup:limited")])
        self.up(LAB)
        self.assertEqual(self.limits("limited"), LIMITS)
        self.assertEqual(self.identity(), self.identities)

    def test_status_counts_what_the_kernel_killed(self):
        kills = self.running.node_status("limited")["memory-limit-kills"]
        hog = self.running.exec("limited", "python3", "-c", 'b"x" * (256 << 20)')
        self.assertEqual(hog.code, killed_by(signal.SIGKILL), hog)
        status = self.running.node_status("limited")
        self.assertEqual(status["memory-limit-kills"], kills + 1)
        self.assertEqual(status["memory-limit"], 64 << 20)
        self.assertEqual(status["state"], "up")
        self.assertGreater(status["cpu-microseconds"], 0)

    def test_nodes_that_were_killed_come_back_under_them(self):
        for node in NODES:
            succeed(run("kill", "-KILL", self.identities[node]["init"]))
            eventually(lambda: not self.running.processes(node), "all its processes are gone")
        self.up(LAB)
        self.assertEqual(self.limits("limited"), LIMITS)
        self.test_every_process_of_a_node_is_under_them()


class KernelModule:
    def test_the_kernel_module(self):
        """The tests of src/kernel/cgroup.h, which ctest runs on the first kernel only."""
        program = Path(NSLAB).parents[1] / "tests/host_tests"
        result = run(program, "cgroup*", env={"NSLAB_TESTS_MUST_RUN": "1"})
        self.expect(result, 0, out="All tests passed")


@needs("cgroup-v2:cpu", "cgroup-v2:cpuset", "cgroup-v2:memory", "cgroup-v2:pids")
class CgroupsOnVersion2(Cgroups, KernelModule):
    pass


@needs("cgroup-v1-alone")
class CgroupsOnVersion1Alone(Cgroups, KernelModule):
    pass


if __name__ == "__main__":
    main()
