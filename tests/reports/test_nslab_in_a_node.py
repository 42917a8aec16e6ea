"""The tool runs inside what it made: mininet #529, coreemu/core PR 165, containerlab #1872."""

import unittest

from nslab_test import NSLAB, NslabTest, main

INNER = """name: inner
subnets: {lan: 10.0.0.0/24}
nodes: {x: {interfaces: {eth0: lan}}, y: {interfaces: {eth0: lan}}}
"""
LIFE = """
cd /root && cat > inner.yaml
/srv/nslab -q up inner.yaml && /srv/nslab exec x -- ping -qc1 -W1 y && /srv/nslab plan --check inner.yaml &&
/srv/nslab status inner && /srv/nslab -q down inner
"""


class Nested(NslabTest):
    def test_a_lab_in_a_node(self):
        for limits in ("{}", "{memory: 512M}"):
            with self.subTest(limits=limits), \
                    self.lab(f"nodes: {{a: {{limits: {limits}, mounts: {{/srv/nslab: {NSLAB}}}}}}}") as lab:
                before = lab.processes("a")
                lab.shell("a", LIFE, input=INNER)
                self.assertEqual(lab.processes("a"), before)
                self.assertEqual([path.name for path in lab.cgroup("a").iterdir() if path.is_dir()], [])

    def test_doctor_is_content_there(self):
        with self.lab(f"nodes: {{a: {{mounts: {{/srv/nslab: {NSLAB}}}}}}}") as lab:
            lab.read("a", "/srv/nslab", "doctor")


if __name__ == "__main__":
    main()
