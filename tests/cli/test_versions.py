"""A lab that another version of nslab has up, an older one or one to come (tests/compat)."""

import subprocess
import sys
from pathlib import Path

from nslab_test import NslabTest, bring_up, eventually, killed_at_the_end, lab_file, main, nslab, residue, succeed

COMPAT = Path(__file__).parents[1] / "compat"
STATE = Path("/run/nslab")

LAB = """name: versions
nodes: {a: {services: {s: {command: "echo hello; exec sleep 1000000"}}}, b: {}}
"""

# Stands where a node's init listened, and answers every request with what was recorded.
INIT = """
import json, socket, sys
packets = json.load(open(sys.argv[2]))
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen(16)
while True:
    client = listener.accept()[0]
    while client.recv(200000):
        for packet in packets:
            client.send(packet.encode())
"""


class Versions(NslabTest):
    def setUp(self):
        self.before = residue.snapshot()
        self.file = lab_file(LAB, "versions")
        self.lab = bring_up(self.file)
        self.addCleanup(nslab, "down", "versions")

    def can_be_looked_at(self):
        self.expect(nslab("status", "versions"), 0, out=["a ", "b ", "up"])
        self.assertEqual(succeed(nslab("exec", "versions/a", "--", "hostname")).text, "a")
        self.expect(nslab("logs", "versions/a", "s"), 0, out="hello")

    def can_be_taken_down(self):
        self.expect(nslab("down", "versions"), 0, out="lab 'versions'")
        self.assert_no_residue(self.before)

    def test_its_record(self):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        for recorded in sorted(COMPAT.glob("record-*")):
            with self.subTest(recorded.name):
                succeed(nslab("up", self.file))
                record = STATE / "versions.applied"
                record.write_text(recorded.read_text().replace("BOOT", boot))
                identity = self.lab.identity("a")
                for command in ("plan", "up"):
                    self.expect(nslab(command, self.file), 1,
                                err=["brought up by another version of nslab", "nslab down versions"])
                self.assertEqual(self.lab.identity("a"), identity)
                self.can_be_looked_at()
                self.can_be_taken_down()
                # Of another boot it is nobody's: that lab is gone.
                STATE.mkdir()
                record.write_text(recorded.read_text())
                succeed(nslab("up", self.file))
                self.can_be_taken_down()

    def test_its_inits(self):
        """One of another version is made anew, its neighbours are not."""
        for recorded in sorted(COMPAT.glob("init-*.json")):
            with self.subTest(recorded.name):
                succeed(nslab("up", self.file))
                kept = self.lab.identity("b")
                old = self.lab.processes("a")
                socket = STATE / "versions/nodes/a/init.sock"
                socket.rename(socket.with_name("before.sock"))
                with killed_at_the_end(subprocess.Popen([sys.executable, "-c", INIT, socket, recorded])):
                    eventually(socket.exists, "the other init listens")
                    self.expect(nslab("plan", self.file, "--check"), 3, out="made by another version of nslab")
                    self.expect(nslab("status", "versions", "--check"), 3, out="another version")
                    self.assertEqual(succeed(nslab("exec", "versions/b", "--", "hostname")).text, "b")
                    succeed(nslab("up", self.file))
                    self.assertTrue(set(old).isdisjoint(self.lab.processes("a")))
                    self.assertEqual(self.lab.identity("b"), kept)
                    self.assert_nothing_to_do(self.file)
                self.can_be_taken_down()


if __name__ == "__main__":
    main()
