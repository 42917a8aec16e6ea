"""labs/limits.yaml: limits on memory, processes and CPU time bite."""

import signal
import time
import unittest

from nslab_test import LABS, LabTest, eventually, killed_by, main, needs, succeed

SPIN = "while :; do :; done"


class Limits(LabTest):
    file = LABS / "limits.yaml"

    def cpu_seconds(self, node):
        return self.running.node_status(node)["cpu-microseconds"] / 1e6

    def spin(self, nodes, seconds):
        """CPU seconds that each node uses while all of them spin for so long, and how long it was."""
        for node in nodes:  # `timeout` ends what this test would otherwise leave running
            self.running.shell(node, f"timeout {seconds + 60} sh -c '{SPIN}' >/dev/null 2>&1 & echo $! >/tmp/spin")
        before = {node: self.cpu_seconds(node) for node in nodes}
        begin = time.monotonic()
        time.sleep(seconds)  # what is measured is the kernel's account over this time
        after = {node: self.cpu_seconds(node) for node in nodes}
        wall = time.monotonic() - begin
        for node in nodes:
            self.running.shell(node, "kill $(cat /tmp/spin)")
        return {node: after[node] - before[node] for node in nodes}, wall

    def test_a_memory_hog_is_killed_and_its_node_lives_on(self):
        kills = self.running.node_status("small")["memory-limit-kills"]
        init = self.running.init("small")
        hog = self.running.exec("small", "python3", "-c", 'b"x" * (256 << 20)')
        self.assertEqual(hog.code, killed_by(signal.SIGKILL), hog)
        status = self.running.node_status("small")
        self.assertEqual(status["memory-limit-kills"], kills + 1)
        self.assertEqual(status["memory-limit"], 64 << 20)
        self.assertEqual(self.running.init("small"), init)
        self.assertEqual(self.running.read("small", "echo", "alive"), "alive")

    def test_what_fits_is_not_killed(self):
        self.running.read("small", "python3", "-c", 'b"x" * (16 << 20)')

    def test_a_bomb_of_processes_stops_at_the_limit(self):
        # 100 forks and no more, were there no limit; each child ends with its parent's pipe.
        bomb = ("import os\n"
                "alive, refused = 0, 0\n"
                "wait, keep = os.pipe()\n"
                "for i in range(100):\n"
                "    try:\n"
                "        if os.fork() == 0:\n"
                "            os.close(keep); os.read(wait, 1); os._exit(0)\n"
                "        alive += 1\n"
                "    except BlockingIOError:\n"
                "        refused += 1\n"
                "print(alive, refused)\n")
        alive, refused = map(int, self.running.read("few", "python3", "-c", bomb).split())
        self.assertEqual(alive + refused, 100)
        self.assertTrue(15 <= alive < 24, alive)
        eventually(lambda: self.running.read("few", "true") == "", "processes may start again")

    def test_a_cpu_hog_gets_its_quarter(self):
        used, wall = self.spin(["slow"], 2)
        self.assertLess(used["slow"] / wall, 0.35)
        self.assertGreater(used["slow"] / wall, 0.10)

    def test_two_hogs_on_one_cpu_share_it_by_weight(self):
        used, wall = self.spin(["light", "heavy"], 2)
        self.assertGreater(used["heavy"] / used["light"], 2.5, (used, wall))
        self.assertLess(used["heavy"] / used["light"], 6.5, (used, wall))
        self.assertLess(sum(used.values()) / wall, 1.15, "both on one CPU")

    def test_a_pinned_node_has_one_cpu(self):
        self.assertEqual(self.running.read("pinned", "nproc"), "1")

    def test_a_changed_limit_applies_at_once(self):
        text = self.file.read_text()
        before = {node: self.running.identity(node) for node in self.node_names()}
        self.running.up(text.replace("memory: 64M", "memory: 400M"))
        self.running.read("small", "python3", "-c", 'b"x" * (256 << 20)')
        self.running.up(text)
        self.assertEqual({node: self.running.identity(node) for node in self.node_names()}, before)


@needs("cgroup-v2:cpu", "cgroup-v2:cpuset", "cgroup-v2:memory", "cgroup-v2:pids")
class LimitsOnVersion2(Limits):
    pass


if __name__ == "__main__":
    main()
