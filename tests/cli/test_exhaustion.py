"""Where the machine has no more to give, up says of what, and takes back what it did."""

import os
import resource
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

    def up_with(self, file, limit, left_open=0):
        """As a shell starts it that has so many more descriptors open, up to the limit."""
        def prepare():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            null = os.open("/dev/null", os.O_RDONLY)
            for number in range(limit - left_open, limit):
                os.dup2(null, number)
        return run(NSLAB, "up", file, preexec_fn=prepare, close_fds=False)

    def test_descriptors(self):
        """Whatever they suffice for: all of it, or the advice to allow more."""
        for file, limits in ((self.file, range(8, 48, 3)), (lab_file(MANY, "many"), range(8, 300, 23))):
            self.assert_refused_until(file, lambda limit: self.up_with(file, limit), limits)

    def test_descriptors_that_the_caller_left_open(self):
        file = lab_file(MANY, "many")
        self.assert_refused_until(file, lambda left: self.up_with(file, 512, 512 - left), range(8, 300, 23))

    def assert_refused_until(self, file, bring_up, steps):
        """Refused with a remedy, and nothing left, up to the step from which on it succeeds."""
        for step in steps:
            result = bring_up(step)
            if result.code == 0:
                self.assertGreater(step, steps[0])
                succeed(nslab("down", file.stem))
                self.assert_no_residue(self.before)
                return
            if "shared libraries" not in result.err:
                self.refused(result, ["open files", "hint: ", "ulimit -Hn "])
        self.fail("no step was enough")

    def test_few_descriptors_take_down_a_large_lab(self):
        succeed(nslab("up", lab_file(MANY, "many")))
        succeed(run("prlimit", "--nofile=24:24", NSLAB, "down", "many"))
        self.assert_no_residue(self.before)

    def test_memory(self):
        """However little there is for nslab: a whole lab, or none, and never a crash."""
        file = lab_file(MANY, "many")
        for kib in range(9000, 60000, 900):
            result = run("prlimit", f"--as={kib << 10}", NSLAB, "up", file)
            if result.code == 0:
                break
            if result.code != 127:  # of the dynamic loader, before nslab begins
                self.refused(result, ["memory", "hint: "])
                if "there is not enough memory" in result.err:
                    self.assertIn(f"ulimit -v {kib}'", result.err)
        self.assertEqual(result.code, 0, result)
        succeed(nslab("down", "many"))
        self.assert_no_residue(self.before)

    def test_stack(self):
        """Too small a one is said, not found out; one that may be raised is."""
        succeed(run("prlimit", f"--stack={64 << 10}:unlimited", NSLAB, "up", self.file))
        succeed(nslab("down", "much"))
        for kib in (64, 128):
            result = run("prlimit", f"--stack={kib << 10}", NSLAB, "up", self.file)
            self.refused(result, ["the stack is limited to", f"ulimit -s {kib}'"])

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
                self.refused_or_up(run("sh", "-c", enter, NSLAB, "up", file), ["EAGAIN", "hint: ", "pids.max"])

    def test_room_for_the_record(self):
        small = Path("/run/small")
        small.mkdir()
        self.addCleanup(small.rmdir)
        succeed(run("mount", "-t", "tmpfs", "-o", "size=4k", "small", small))
        self.addCleanup(run, "umount", small)
        self.before = residue.snapshot()
        (small / "filler").write_bytes(bytes(4096))
        env = {"NSLAB_STATE_DIR": str(small / "state")}
        self.expect(nslab("up", self.file, env=env), 1, err=["ENOSPC", str(small), "hint: make room"])
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
                self.expect(result, 1, err=["ENOSPC", "hint: make room", "df -i"])
            self.assert_no_residue(before)
            succeed(run("umount", small))


if __name__ == "__main__":
    main()
