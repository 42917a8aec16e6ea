"""moby #35407, runc #1269, linyaps-box PR 181: a terminal of size 0x0 at first; mininet #747: Ctrl-C does
not reach a program that made a process group of its own."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

from nslab_test import NSLAB, NslabTest, bring_up, lab_file, main, nslab, succeed

LAB = "name: terminal\nnodes: {a: {}}\n"

OWN_GROUP = """
import atexit, os, time
if os.getpid() != os.getpgrp():
    os.setpgrp()
atexit.register(lambda: print("at exit", flush=True))
print("begun", flush=True)
time.sleep(1000)
"""


class TerminalSizeAndSignals(NslabTest):
    @classmethod
    def setUpClass(cls):
        cls.running = bring_up(lab_file(LAB, "terminal"))

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "terminal"))

    def start(self, *command):
        """The terminal's other side, and the process."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 97, 0, 0))

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([NSLAB, "exec", "terminal/a", "--", *command], stdin=slave, stdout=slave,
                                   stderr=slave, preexec_fn=take_terminal)
        os.close(slave)
        self.addCleanup(os.close, master)
        return master, process

    def read(self, master, until=None):
        seen = b""
        while until is None or until not in seen:
            self.assertTrue(select.select([master], [], [], 60)[0], seen)
            try:
                part = os.read(master, 4096)
            except OSError:  # the last one has closed it
                break
            if not part:
                break
            seen += part
        return seen

    def test_the_size_is_there_from_the_start(self):
        master, process = self.start("stty", "size")
        self.assertIn(b"41 97", self.read(master))
        self.assertEqual(process.wait(60), 0)

    def test_control_c_reaches_a_group_of_its_own(self):
        master, process = self.start("python3", "-c", OWN_GROUP)
        self.read(master, b"begun")
        os.write(master, b"\x03")
        self.assertIn(b"at exit", self.read(master))
        self.assertNotEqual(process.wait(60), 0)


if __name__ == "__main__":
    main()
