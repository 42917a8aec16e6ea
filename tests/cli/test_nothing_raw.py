"""What a node can write reaches nobody's terminal as it is: terminals obey some of it. What people write does."""

import os
import re
import subprocess
import unittest

from nslab_test import NSLAB, NslabTest, eventually, killed_at_the_end, lab_file, main, nslab, succeed
from terminal import Terminal

# {what a program prints: what is shown of it}
SHOWN = {
    rb"\033]0;title\007 bell": r"\x1b]0;title\x07 bell",
    rb"\033[31mred\033[0m": r"\x1b[31mred\x1b[0m",
    rb"\302\2333J \2333J": r"\xc2\x9b3J \x9b3J",
    rb"half a \303 character \377": r"half a \xc3 character \xff",
    rb"back\b\b\b\bward\177": r"back\x08\x08\x08\x08ward\x7f",
    rb"10%%\r100%%": r"10%\r100%",
    rb"of another system\r": "of another system",
    rb"user\342\200\256nimda": r"user\u202enimda",
    "Grüße, \t日本 ✓ 👩‍🔬 עברית".encode(): "Grüße, \t日本 ✓ 👩‍🔬 עברית",
}

LAB = """
name: raw
nodes:
  a:
    hostname: a
    setup:
      - mkfifo /fifo
      - ip link add "$(printf 'x\\033[31m\\302\\233')" type veth peer name y
      - ip addr add 192.0.2.1/24 dev "$(printf 'x\\033[31m\\302\\233')"
      - ["printf", "%s"]
    services:
      all: {command: [sh, -c, "%s; exec sleep infinity"]}
      part: {command: "exec 3<>/fifo; while read -r line <&3; do printf \\"$line\\"; done"}
""" % (r"\\303\\244 \\033]0;t\\007", r"; ".join(
    "printf '%s\\\\n'" % text.decode().replace("\\", "\\\\") for text in SHOWN))

STRANGELY_NAMED = r"""
open('/proc/self/comm', 'wb').write(b'p\033[31m\302')
print('on', flush=True)
input()
"""

CONTROLS = re.compile("[^\n\t\x20-\x7e\u00a0-\u2029\u202f-\u2065\u206a-\U0010ffff]")


def on_terminal(*command):
    """What reaches a terminal, without what nslab itself does to it: colours and ends of lines."""
    terminal = Terminal("env", "NO_COLOR=1", NSLAB, *command)
    terminal.end()
    seen = terminal.seen.decode(errors="surrogateescape")
    terminal.close()
    return seen.replace("\r\n", "\n").replace("\r\x1b[K", "")


class NothingRaw(NslabTest):
    def test_what_a_node_writes(self):
        with self.lab(LAB) as lab:
            for check in (self.check_logs, self.check_raw, self.check_following, self.check_names):
                with self.subTest(check.__name__):
                    check(lab)

    def assert_harmless(self, text):
        self.assertEqual(CONTROLS.findall(text), [], repr(text))

    def check_logs(self, lab):
        log = eventually(lambda: (text := nslab("logs", "raw/a", "all").out).count("\n") == len(SHOWN) and text, "all")
        self.assertEqual(log.split("\n")[:-1], list(SHOWN.values()))
        self.assertEqual(on_terminal("logs", "raw/a", "all"), log, "the same for a pipe and for a terminal")
        self.assertIn("\\xff", nslab("logs", "raw/a").out)
        self.assert_harmless(nslab("logs", "raw/a").out)
        self.assertEqual(nslab("logs", "raw/a", "setup").out.splitlines()[-1], r"ä \x1b]0;t\x07")

    def check_raw(self, lab):
        raw = nslab("logs", "--raw", "raw/a", "all", binary=True).out
        printed = subprocess.run(["sh", "-c", "; ".join(f"printf '{text.decode()}\\n'" for text in SHOWN)],
                                 capture_output=True, check=True).stdout
        self.assertEqual(raw, printed)

    def check_following(self, lab):
        """A character may come in parts, and so may a line, of one service while another prints as well."""
        logs = subprocess.Popen([NSLAB, "logs", "-f", "raw/a", "part"], stdout=subprocess.PIPE)
        with killed_at_the_end(logs):
            def say(text):
                lab.shell("a", "cat >/fifo", input=text + "\n")
            read = lambda count: os.read(logs.stdout.fileno(), count).decode()
            say(r"one \303")
            self.assertEqual(read(100), "one ")
            say(r"\244 \033")
            self.assertEqual(read(100), r"ä \x1b")
            say(r"[2J\r")
            self.assertEqual(read(100), "[2J")
            say(r"\n\r")
            self.assertEqual(read(100), "\n")
            say("x")
            self.assertEqual(read(100), r"\rx")
        for line in nslab("logs", "raw/a").out.splitlines():  # also after a line without an end
            self.assertRegex(line, r"^(all|part|setup) \| ")

    def check_names(self, lab):
        for command in (["status", "raw"], ["ls"], ["status", "raw", "--json"], ["-v", "status", "raw"]):
            self.assert_harmless(on_terminal(*command))
            self.assert_harmless(nslab(*command).out)
        self.assertIn("192.0.2.1", nslab("status", "raw").out)
        lab.read("a", "python3", "-c", r"import socket; socket.sethostname(b'h\033[31m\302\233')")
        file = lab_file(LAB, "raw")
        for command in (["plan", file], ["plan", "--json", file], ["plan", "--dot", file], ["status", "raw"]):
            shown = on_terminal(*command)
            self.assertIn("node:a" if "--dot" in command else "hostname", shown)
            self.assert_harmless(shown)
        lab.read("a", "hostname", "a")

    def test_what_a_command_printed_is_in_the_error_and_harmless(self):
        text = r"""
name: raw
nodes: {a: {setup: ["printf '\\033[2Jgr\\303\\274n \\302\\233 x\\033]0;t\\007\\r\\n'; exit 3"]}}
"""
        for result in (nslab("up", lab_file(text, "raw")).err, on_terminal("up", lab_file(text, "raw"))):
            self.assertIn(r"  > \x1b[2Jgrün \xc2\x9b x\x1b]0;t\x07" + "\n", result)
            self.assert_harmless(result)

    def test_the_name_of_a_process_that_is_in_the_way(self):
        with self.lab("name: raw\nnodes: {a: {}}\n") as lab:
            process = subprocess.Popen(["nsenter", f"--net={lab.netns('a')}", "python3", "-c", STRANGELY_NAMED],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.addCleanup(process.stdout.close)
            with killed_at_the_end(process):
                process.stdout.readline()
                result = self.expect(nslab("down", "raw"), 1, err=r"p\x1b[31m\xc2")
                self.assert_harmless(result.err)
            succeed(nslab("down", "raw"))


if __name__ == "__main__":
    main()
