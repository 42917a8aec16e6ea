"""`down` says "gone" only when it is: also of processes that somebody moved out of the lab's cgroups."""

import contextlib
import os
import signal
import unittest
from itertools import product
from pathlib import Path

from nslab_test import NSLAB, Lab, NslabTest, eventually, lab_file, main, nslab, residue, run, sandbox, succeed

PARENT = os.environ[sandbox.PARENT]
OTHER = f"{PARENT}-other"  # a cgroup of somebody else


def text(nodes, rest=""):
    body = "".join(f"  n{i}: {{limits: {{pids: 50}}, services: {{s: {{command: [sleep, infinity]}}}}{rest}}}\n"
                   for i in range(nodes))
    return f"name: strays\nnodes:\n{body}"


def roots():
    return [root for root in sandbox.cgroup_roots() if (root / "cgroup.procs").exists()]


def move(pids, place):
    """Into this cgroup of every hierarchy; "" is the root."""
    for root in roots():
        (root / place).mkdir(exist_ok=True)
        for pid in pids:
            with contextlib.suppress(OSError):  # a cpuset without CPUs takes nobody
                (root / place / "cgroup.procs").write_text(str(pid))


def remove(*parts):
    """The lab's cgroups as far as the path goes, in every hierarchy."""
    for root in roots():
        top = root.joinpath(PARENT, *parts)
        for directory, _, _ in os.walk(top, topdown=False):
            os.rmdir(directory)


def alive(pid):
    with contextlib.suppress(OSError):
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Strays(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.addCleanup(sandbox.remove_cgroups, OTHER)
        self.addCleanup(nslab, "down", "--all")

    def up(self, nodes=2, rest=""):
        self.file = lab_file(text(nodes, rest), "strays")
        succeed(nslab("up", self.file))
        lab = Lab("strays")
        self.inits = [lab.init(f"n{i}") for i in range(nodes)]
        self.pids = [pid for i in range(nodes) for pid in lab.processes(f"n{i}")]
        return lab

    def gone(self):
        left = [pid for pid in self.pids if alive(pid)]
        self.assertEqual(left, [])
        sandbox.remove_cgroups(OTHER)
        self.assert_no_residue(self.before)

    def test_down_ends_them(self):
        """Each order: how many nodes, where to, what of the lab's cgroups is removed then."""
        for nodes, place, removed in product((2, 3), ("", OTHER), (None, ("strays", "n0"), ("strays",), ())):
            with self.subTest(nodes=nodes, place=place, removed=removed):
                self.up(nodes)
                moved = self.pids if removed != ("strays", "n0") else self.pids[:2]
                move(moved, place)
                if removed is not None:
                    remove(*removed)
                self.expect(nslab("down", "strays"), 0, out="lab 'strays' is gone")
                self.gone()

    def test_down_ends_those_of_which_only_a_socket_tells(self):
        self.up()
        move(self.pids, "")
        remove()
        for directory in ("ns", ""):
            succeed(run("umount", "-l", f"/run/nslab/strays/{directory}"))
        for name in ("strays", "strays.n0", "strays.n1"):
            Path("/run/netns", name).unlink(missing_ok=True)
        succeed(run("rm", "-rf", "/run/nslab"))
        self.assertIn("strays", succeed(nslab("ls")).out)
        self.expect(nslab("down", "strays"), 0, out="gone")
        self.assertEqual([pid for pid in self.pids if alive(pid)], [])

    def test_prune_finds_them(self):
        self.up()
        move(self.pids, "")
        remove()
        Path("/run/nslab/strays.applied").unlink()
        self.expect(nslab("prune", "--yes"), 0, err="removed what was left of 'strays'")
        self.gone()

    def test_down_ends_those_that_are_stopped_or_frozen(self):
        lab = self.up()
        os.kill(self.inits[0], signal.SIGSTOP)
        move(self.pids, OTHER)
        unified = next((root for root in roots() if (root / "cgroup.controllers").exists()), None)
        frozen = [root / OTHER / "freezer.state" for root in roots() if (root / OTHER / "freezer.state").exists()]
        for file in frozen:
            file.write_text("FROZEN")
        if unified:
            (unified / OTHER / "cgroup.freeze").write_text("1")
        self.expect(nslab("down", lab.name), 0, out="gone")
        for file in frozen:
            file.write_text("THAWED")
        self.gone()

    def test_down_ends_what_an_init_that_shares_the_hosts_processes_started(self):
        self.up(2, ", namespaces: {pid: host}")
        move(self.pids, "")
        remove("strays")
        self.expect(nslab("down", "strays"), 0, out="gone")
        self.gone()

    def test_plan_says_that_limits_are_not_in_force_and_up_puts_them_back(self):
        lab = self.up()
        for what, pids in (("an init and its service", lab.processes("n0")),
                           ("a service", [pid for pid in lab.processes("n0") if pid not in self.inits])):
            with self.subTest(what):
                before = lab.identity("n0")
                move(pids, "")
                self.expect(nslab("plan", self.file, "--check"), 3, out=["cgroup:n0", "in-force no → yes"])
                self.expect(nslab("status", "strays", "--check"), 3, out="in-force")
                succeed(nslab("up", self.file))
                self.assertEqual(lab.identity("n0"), before)  # nothing was restarted
                self.assert_nothing_to_do(self.file)
        succeed(nslab("down", "strays"))
        self.gone()

    def test_one_hierarchy_that_was_taken_away(self):
        """The others still have the processes."""
        for root in [root for root in roots() if (root / PARENT).is_dir() or root.name in ("pids", "unified")]:
            for mend in (True, False):
                with self.subTest(root.name, mend=mend):
                    lab = self.up()
                    directory = root / PARENT / "strays" / "n0"
                    if not directory.is_dir():
                        succeed(nslab("down", "strays"))
                        continue
                    for pid in lab.processes("n0"):
                        (root / "cgroup.procs").write_text(str(pid))
                    directory.rmdir()
                    if mend:
                        self.expect(nslab("plan", self.file, "--check"), 3)
                        succeed(nslab("up", self.file))
                        self.assertTrue((directory / "cgroup.procs").read_text().split())
                        self.assert_nothing_to_do(self.file)
                        self.pids += lab.processes("n0")
                    self.expect(nslab("down", "strays"), 0, out="gone")
                    self.gone()

    def test_up_makes_a_node_anew_whose_cgroup_is_gone(self):
        lab = self.up(3)
        kept = lab.identity("n1")
        move(lab.processes("n0"), "")
        remove("strays", "n0")
        self.expect(nslab("plan", self.file, "--check"), 3, out="its cgroup is gone")
        succeed(nslab("up", self.file))
        self.assertEqual(lab.limit("n0", "pids"), 50)
        self.assertTrue(set(lab.processes("n0")).isdisjoint(self.pids))
        self.assertFalse(alive(self.inits[0]))
        self.assertEqual(lab.identity("n1"), kept)
        self.assert_nothing_to_do(self.file)
        succeed(nslab("down", "strays"))
        self.gone()

    def test_up_makes_a_lab_anew_whose_cgroups_are_gone(self):
        lab = self.up(2)
        move(self.pids, "")
        remove()
        self.expect(nslab("plan", self.file, "--check"), 3)
        succeed(nslab("up", self.file))
        self.assertEqual(lab.limit("n0", "pids"), 50)
        self.assertEqual([pid for pid in self.pids if alive(pid)], [])
        self.assert_nothing_to_do(self.file)
        succeed(nslab("down", "strays"))
        self.gone()

    def test_a_cgroup_made_again_by_hand_with_the_labs_processes(self):
        self.up()
        move(self.pids, "")
        remove()
        for root in roots():
            (root / PARENT / "strays" / "n0").mkdir(parents=True)
            with contextlib.suppress(OSError):
                for pid in self.pids:
                    (root / PARENT / "strays" / "n0" / "cgroup.procs").write_text(str(pid))
        self.expect(nslab("down", "strays"), 0, out="gone")
        self.assertEqual([pid for pid in self.pids if alive(pid)], [])
        sandbox.remove_cgroups(PARENT)
        self.gone()

    def test_a_lab_of_the_same_name_elsewhere_is_left_alone(self):
        """In another mount namespace, the same paths are those of another nslab."""
        self.up()
        inside = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                  'mount -t tmpfs none /run && "$0" "$@"', NSLAB]
        other = {sandbox.PARENT: OTHER}
        for env in (other, {}):
            for words in (["ls"], ["down", "strays"], ["prune", "--yes"], ["down", "--all"]):
                result = run(*inside, *words, env=env)
                self.assertNotIn("gone", result.out)
                self.assertNotIn("strays", result.out if words == ["ls"] else "")
                self.assertEqual([pid for pid in self.pids if not alive(pid)], [], result)
        self.expect(run(*inside, "down", "strays"), 1, err="another state directory")
        self.expect(run(*inside, "up", "-", input=self.file.read_text()), 1, err="another state directory")
        succeed(nslab("down", "strays"))
        self.gone()


if __name__ == "__main__":
    main()
