"""What a node may use of what all share, though its file says nothing of it: each is tried from inside,
with limits that are small, so that nothing is used up outside."""

import json
import subprocess
import unittest

from nslab_test import NSLAB, killed_at_the_end, NslabTest, lab_file, main, nslab, run, sandbox, succeed

MIB = 1 << 20

SMALL = """
name: small
limits: {{layers: {layers}}}
defaults: {{limits: {{pids: {pids}, ptys: {ptys}, tmp: {tmp}, run: 2M, shm: {shm}}}}}
nodes:
  plain:
    services: {{wait: {{command: [sleep, "1000000"]}}}}
  private: {{namespaces: {{user: private}}}}
"""
BEFORE = {"layers": "8M", "pids": 40, "ptys": 3, "tmp": "2M", "shm": "1M"}
NODES = ("plain", "private")

# Writes until there is no room, and says how many bytes that were.
FILL = "dd if=/dev/zero of={} bs=64k count=2000 2>/dev/null; stat -c %s {}"
# Opens terminals until there is none left, and says how many.
PTYS = """
import os
count = 0
try:
    while count < 1000:
        os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
        count += 1
except OSError:
    pass
print(count)
"""
INOTIFY = """
import ctypes, os
libc = ctypes.CDLL(None)
count = 0
while count < 10000 and libc.inotify_init1(0) >= 0:
    count += 1
print(count, flush=True)
"""


def small(**changes):
    return SMALL.format(**{**BEFORE, **changes})


def size_of(lab, node, path):
    blocks, size = lab.read(node, "stat", "-f", "-c", "%b %S", path).split()
    return int(blocks) * int(size)


class Defaults(NslabTest):
    def test_what_a_node_has_that_says_nothing(self):
        with self.lab("nodes: {a: }") as lab, open("/proc/meminfo") as memory:
            total = int(memory.readline().split()[1]) * 1024
            self.assertEqual(size_of(lab, "a", "/dev/shm"), 64 * MIB)
            for path, per_cent in (("/tmp", 10), ("/run", 10), ("/", 25)):
                self.assertAlmostEqual(size_of(lab, "a", path) / total, per_cent / 100, places=2, msg=path)
            self.assertIn("max=64", lab.read("a", "grep", " /dev/pts ", "/proc/mounts"))
            if any((root / "pids.max").exists() or root.name == "pids" for root in sandbox.cgroup_roots()):
                self.assertEqual(lab.limit("a", "pids"), 4096)
                self.assertEqual(lab.node_status("a")["pids-limit"], 4096)
            self.assertAlmostEqual(lab.status()["layers-limit"] / total, 0.25, places=2)

    def test_none_lifts_each(self):
        text = """
            limits: {layers: none}
            nodes: {a: {limits: {pids: none, ptys: none, tmp: none, run: none, shm: none, memory: none}}}
            """
        with self.lab(text) as lab:
            for path in ("/tmp", "/run", "/dev/shm", "/"):
                self.assertGreaterEqual(size_of(lab, "a", path), 1 << 60, path)
            self.assertIsNone(lab.limit("a", "pids"))
            self.assertNotIn("max=64", lab.read("a", "grep", " /dev/pts ", "/proc/mounts"))
            self.assertIsNone(lab.status()["layers-limit"])
            self.assert_nothing_to_do(lab_file(text))

    def test_what_a_node_starts_goes_before_the_host(self):
        text = """
            nodes:
              plain: {services: {s: {command: "cat /proc/self/oom_score_adj > /score; exec sleep 1000000",
                                     ready: {file: /score}}}}
              private: {namespaces: {user: private},
                        services: {s: {command: "cat /proc/self/oom_score_adj > /score; exec sleep 1000000",
                                       ready: {file: /score}}}}
            """
        with self.lab(text) as lab:
            for node in NODES:
                self.assertEqual(lab.read(node, "cat", "/score"), "500")
                self.assertEqual(lab.read(node, "cat", "/proc/self/oom_score_adj"), "500")
            with open(f"/proc/{lab.init('plain')}/oom_score_adj") as init:
                self.assertLessEqual(int(init.read()), 0)


class Held(NslabTest):
    def test_a_node_that_takes_all_it_can(self):
        with self.lab(small()) as lab:
            for node in NODES:
                with self.subTest(node=node):
                    for path, size in (("/tmp", 2), ("/run", 2), ("/dev/shm", 1)):
                        written = int(lab.shell(node, FILL.format(*[f"{path}/big"] * 2)))
                        self.assertGreater(written, 0)
                        self.assertLessEqual(written, size * MIB, path)
                        lab.read(node, "rm", f"{path}/big")
                    self.assertEqual(lab.read(node, "python3", "-c", PTYS), "3")
                    forked = lab.exec(node, "sh", "-c", "for i in $(seq 200); do sleep 5 & done; wait")
                    self.assertNotEqual(forked.code, 0, forked)
                    self.assertLessEqual(len(lab.processes(node)), 40)

    def test_empty_files_are_counted(self):
        with self.lab(small()) as lab:
            made = lab.exec("plain", "sh", "-c", "cd /tmp; for i in $(seq 3000); do : > $i || exit 1; done")
            self.assertNotEqual(made.code, 0)

    def test_full_layers_do_not_hinder_nslab(self):
        file = lab_file(small(), "small")
        with self.lab(file) as lab:
            written = int(lab.shell("plain", FILL.format("/big", "/big")))
            self.assertLessEqual(written, 8 * MIB)
            # All nodes' layers, together.
            self.assertEqual(int(lab.shell("private", FILL.format("/big", "/big"))), 0)
            self.assertGreater(lab.status()["layers-used"], 7 * MIB)
            self.assertIn("of 8M written", succeed(nslab("status", "small")).out)
            self.expect(nslab("up", lab_file(small() + "  third:\n", "small")), 1, ["small.yaml:9:", "limits: {layers}"])
            self.assert_nothing_to_do(lab_file(small(), "small"))
            more = small(layers="12M", pids=50) + "  third:\n"
            lab.up(more)
            self.assertEqual(lab.read("third", "hostname"), "third")
            lab.up(small(layers="12M"))

    def test_in_place(self):
        with self.lab(small()) as lab:
            before = lab.identity("plain")
            after = small(layers="16M", pids=50, ptys=5, tmp="4M", shm="3M")
            lab.up(after)
            self.assertEqual(lab.identity("plain"), before)
            for node in NODES:
                self.assertEqual(size_of(lab, node, "/tmp"), 4 * MIB)
                self.assertEqual(size_of(lab, node, "/dev/shm"), 3 * MIB)
                self.assertEqual(size_of(lab, node, "/"), 16 * MIB)
                self.assertEqual(lab.read(node, "python3", "-c", PTYS), "5")
            self.assert_nothing_to_do(lab_file(after, "small"))
            lab.up(small())

    def test_drift(self):
        with self.lab(small()) as lab:
            lab.read("plain", "mount", "-o", "remount,size=7M", "/tmp")
            self.assertEqual(self.plan(lab_file(small(), "small")), [("change", "node:plain")])
            lab.up(small())
            self.assertEqual(size_of(lab, "plain", "/tmp"), 2 * MIB)

    def test_less_than_is_in_use(self):
        with self.lab(small()) as lab:
            lab.shell("plain", FILL.format("/tmp/big", "/tmp/big"))
            refused = nslab("up", lab_file(small(tmp="1M"), "small"))
            self.expect(refused, 1, ["/tmp", "remove files in the node first"])
            lab.read("plain", "rm", "/tmp/big")
            lab.shell("plain", FILL.format("/big", "/big"))
            self.expect(nslab("up", lab_file(small(layers="1M"), "small")), 1, ["layers", "already"])
            lab.up(small())

    def test_files_that_a_private_node_watches_count_against_its_own_user(self):
        holder = INOTIFY + "open('/taken', 'w').write(str(count))\nimport time; time.sleep(1000000)\n"
        text = small(pids=100).replace("private: {", "private: {files: {/holder.py: " + json.dumps(holder) +
                                       "}, services: {w: {command: [python3, /holder.py], "
                                       "ready: {file: /taken}}}, ")
        with self.lab(text) as lab:
            self.assertGreater(int(lab.read("private", "cat", "/taken")), 0)
            left = int(succeed(run("/usr/bin/python3", "-c", INOTIFY)).out)
            self.assertGreater(left, 0, "root of the host has none left")


class Said(NslabTest):
    def test_a_service_that_the_memory_limit_ends(self):
        text = """
            nodes:
              a:
                limits: {memory: 16M}
                services: {hog: {command: [python3, -c, "b'x' * (256 << 20)"], ready: {tcp: 80}}}
            """
        self.expect(nslab("up", lab_file(text)), 1, ["hint: the memory limit of node 'a', 16M, has ended programs in it"])

    def test_cpus_that_the_host_lacks(self):
        text = 'nodes:\n  a: {limits: {cpuset: "0,8000"}}\n'
        with open("/sys/devices/system/cpu/online") as online:
            self.expect(nslab("up", lab_file(text)), 1,
                        ["lab.yaml:2:7", "cannot run on CPUs 0,8000", f"this host has {online.read().strip()}"])

    def test_less_memory_than_is_in_use(self):
        text = "nodes: {a: {limits: {memory: 256M}}}"
        with self.lab(text) as lab:
            hold = "x = b'x' * (100 << 20); print('held', flush=True); import time; time.sleep(1000)"
            with killed_at_the_end(subprocess.Popen([NSLAB, "exec", "a", "--", "python3", "-c", hold],
                                                    stdout=subprocess.PIPE, text=True)) as holder:
                self.assertEqual(holder.stdout.readline(), "held\n")
                refused = nslab("up", lab_file(text.replace("256M", "50M")))
                if refused.code != 0:  # version 2 ends programs instead
                    self.expect(refused, 1, ["uses", "already: write a larger limit"])
            lab.up(text)


class Refused(NslabTest):
    def test_without_a_root_of_its_own_there_is_nothing_to_limit(self):
        file = lab_file("nodes: {a: {root: host, limits: {tmp: 5M}}}")
        self.expect(nslab("validate", file), 2, ["lab.yaml:1:", "has no /tmp of its own to limit"])
        self.expect(nslab("validate", lab_file("nodes: {a: {root: host, limits: {tmp: none, pids: 5}}}")), 0)


class TooFewProcesses(NslabTest):
    """What cannot be started because of `pids` says so, whatever it is."""

    def test_it_names_the_limit(self):
        for pids, more in ((1, 'services: {s: {command: [sleep, "1000"]}}'),
                           (1, 'services: {s: {command: [sleep, "1000"], restart: always}}'),
                           (1, 'setup: ["true"]'),
                           (1, 'setup: [["true"]]'),
                           (2, 'services: {s: {command: [sleep, "1000"], ready: {exec: ["true"], timeout: 1s}}}'),
                           (2, 'services: {s: {command: [sleep, "1000"]}, t: {command: ["true"], once: true}}'),
                           (2, 'services: {s: {command: "sleep 1000 & sleep 1000 & wait"}}')):
            with self.subTest(more):
                self.expect(nslab("up", lab_file(f"name: few\nnodes: {{b: {{limits: {{pids: {pids}}}, {more}}}}}\n")), 1,
                            err=["/run/lab-files/few.yaml:2:", f"the limit of processes of node 'b', {pids}", "raise 'pids'"])
        with self.lab("name: few\nnodes: {b: {limits: {pids: 1}}}\n") as lab:
            self.expect(lab.exec("b", "true"), 1, err=["the limit of processes of node 'b', 1", "raise 'pids'"])


if __name__ == "__main__":
    main()
