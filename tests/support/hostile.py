"""Tests of what a hostile program in a node cannot do: each is a line of docs/security.md.

A test file has one class derived from HostileTest. Its methods, marked @tried, run in the
two nodes that the columns of the table are about: `plain`, a node as one gets it, and
`private`, one with `namespaces: {user: private}`. A column without a reason is a "no" in
the table, and not tried: it would harm the host.
"""

import functools
from pathlib import Path

from nslab_test import FILES, ROOT, Lab, NslabTest, lab_file, nslab, residue, succeed

ATTEMPTS = Path(__file__).with_name("attempts.py").read_text()
NODES = ("plain", "private")
BOUND = FILES / "bound"
SECRET = FILES / "secret"  # beside what is bound into the nodes

LAB = f"""
name: hostile
subnets: {{net: 10.150.0.0/24}}
defaults:
  interfaces: {{eth0: net}}
  mounts:
    /bound: {{bind: {BOUND}}}
    /bound-ro: {{bind: {BOUND}, read_only: true}}
  services:
    idle: {{command: sleep infinity}}
nodes:
  plain: {{}}
  private: {{namespaces: {{user: private}}}}
  other: {{}}
"""


def tried(what, plain=None, private=None):
    """A line of the table. The test is called with each node that has a reason."""

    def mark(test):
        reasons = {"plain": plain, "private": private}

        @functools.wraps(test)
        def run(self):
            for node in NODES:
                if reasons[node]:
                    with self.subTest(node=node):
                        test(self, node)

        run.row = (what, plain or "no", "the same" if private == plain else private or "no")
        return run

    return mark


def table_below(heading):
    """The cells of the table below a heading of docs/security.md."""
    text = (ROOT / "docs/security.md").read_text()
    section = text.split(f"\n### {heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[2:]]


class HostileTest(NslabTest):
    heading = None  # of the table
    text = LAB
    up_options = {}

    @classmethod
    def setUpClass(cls):
        BOUND.mkdir(exist_ok=True)
        (BOUND / "file").write_text("bound\n")
        SECRET.write_text("of the host\n")
        cls.before = residue.snapshot()
        succeed(nslab("up", lab_file(cls.text, "hostile"), **cls.up_options))
        cls.running = Lab("hostile")

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "hostile"))
        found = residue.settled(cls.before)
        assert not found, found

    def attempt(self, node, *expressions, **options):
        """What came of each expression of attempts.py in the node."""
        result = self.running.exec(node, "/usr/bin/python3", "-", *expressions, input=ATTEMPTS, **options)
        lines = succeed(result).out.splitlines()
        self.assertEqual(len(lines), len(expressions), str(result))
        return lines

    def refused(self, node, errors, *expressions, **options):
        for expression, came in zip(expressions, self.attempt(node, *expressions, **options)):
            self.assertIn(came, errors.split(), f"{expression} in {node}")

    def rows(self):
        return [test.row for test in vars(type(self)).values() if hasattr(test, "row")]

    def test_the_table_of_the_document_is_these_tests(self):
        self.assertEqual(table_below(self.heading), self.rows())
