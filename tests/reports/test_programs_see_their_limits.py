"""A program that sizes itself by its control group does so in a node, on either version of cgroups.
eclipse-openj9 #14266 and zalando docker-openjdk PR 19: the heap was sized by the host's memory."""

import shutil
import unittest

from nslab_test import NslabTest, main

MIB = 1 << 20
LAB = "nodes: {a: {limits: {memory: 128M, cpus: 0.5}}, private: {namespaces: {user: private}, limits: {memory: 128M}}}"


class Sizes(NslabTest):
    def test_the_limit_is_where_programs_look(self):
        with self.lab(LAB) as lab:
            for node in ("a", "private"):
                limit = lab.shell(node, "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes || cat memory.max")
                self.assertEqual(int(limit), 128 * MIB, node)
                write = "echo 1G > /sys/fs/cgroup/memory{}/memory.{} "
                self.assertNotEqual(lab.exec(node, "sh", "-c", write.format("", "limit_in_bytes")).code, 0)
            quota = lab.shell("a", "cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us || cat cpu.max")
            self.assertEqual(quota.split()[0], "50000")

    @unittest.skipUnless(shutil.which("java"), "there is no java here")
    def test_java(self):
        with self.lab(LAB) as lab:
            flags = lab.read("a", "java", "-XX:+PrintFlagsFinal", "-version")
            heap = next(line.split()[3] for line in flags.splitlines() if " MaxHeapSize " in line)
            self.assertLessEqual(int(heap), 64 * MIB)


if __name__ == "__main__":
    main()
