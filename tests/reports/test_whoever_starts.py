"""A container inherits the CPU affinity and the ulimits of whoever started it.

Source: opencontainers/runc #4814 (PR 4858), containers/crun PR 1315, moby/moby #45060, srl-labs/containerlab #824.
"""

import os
import unittest

from nslab_test import NSLAB, NslabTest, lab_file, main, nslab, run, succeed

TEXT = 'name: starts\nnodes: {a: {limits: {cpuset: "0-1"}, services: {s: {command: [sleep, "1000"]}}}}\n'


class Whoever(NslabTest):
    @unittest.skipIf(os.cpu_count() < 2, "one processor")
    def test_affinity_niceness_and_limits(self):
        odd = "ulimit -Sn 100; ulimit -c 0; exec taskset -c 1 nice -n 7 \"$@\""
        succeed(run("sh", "-c", odd, "sh", NSLAB, "up", lab_file(TEXT, "starts")))
        asked = "P=$(pgrep -x sleep); grep Cpus_allowed_list /proc/$P/status; grep 'open files' /proc/$P/limits; ps -o ni= -p $P"
        said = succeed(nslab("exec", "starts/a", "--", "sh", "-c", asked)).out
        self.assertIn("list:\t0-1", said)
        self.assertNotRegex(said, r"open files\s+100 ")
        self.assertEqual(said.split()[-1], "0")
        succeed(nslab("down", "starts"))


if __name__ == "__main__":
    main()
