"""What a newcomer types: the console blocks of the documents and the head of each lab, as they stand.

A block of a document holds lines that begin with `$ ` and what they print; a lab's head holds commands
and, some blanks behind them, what comes of it. Numbers and the width of columns may differ.
"""

import os
import re
import unittest

from nslab_test import LABS, NSLAB, ROOT, NslabTest, main, nslab, residue, run, succeed

# Words of a lab's head with which a command is said to fail.
FAILS = ("no way", "refused", "not there", "killed", "Cannot fork", "cut:", "nothing:")
# Those that do not end by themselves, or need a second terminal.
ENDLESS = ("while :;", "logs -f", "top")
BIN = "/run/lab-files/bin"


def shell(line, cwd=ROOT):
    """As typed in a terminal, with nslab in the path and as tools/nslab."""
    line = line.replace("tools/nslab", "nslab")
    return run("bash", "-c", line, cwd=cwd, env={"PATH": f"{BIN}:{os.environ['PATH']}"})


def shape(text):
    """Without what differs between two runs."""
    text = re.sub(r"[0-9]+(\.[0-9]+)?[KMG]?B?", "0", text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def consoles(document):
    """[(command, what it prints)] of each block with prompts."""
    for block in re.findall(r"^```(?:console)?\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL):
        parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
        if len(parts) > 1:
            yield [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts[1:]]


def head(lab):
    """[(command, what is said of it)] of the comment that a lab begins with."""
    lines = []
    for line in lab.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[1:])
    commands = []
    for line in lines:
        found = re.match(r"\s+(?:\w+\s+)?(nslab (?:up|exec|status|plan|logs|down) .*|ip netns .*)$", line)
        if found:
            command, _, words = re.sub(r"\s{3,}", "\0", found[1], count=1).partition("\0")
            commands.append([command, words.strip()])
        elif commands and re.match(r"\s{20,}\S", line):
            more = line.strip()
            if commands[-1][0].count("'") % 2:  # the command goes on
                commands[-1][0] += "\n" + more
            else:
                commands[-1][1] += " " + more
    return [(command, words) for command, words in commands]


class Newcomers(NslabTest):
    @classmethod
    def setUpClass(cls):
        os.makedirs(BIN, exist_ok=True)
        os.symlink(os.path.abspath(NSLAB), f"{BIN}/nslab")

    def test_consoles_of_documents_print_what_they_say(self):
        seen = 0
        for document in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
            for block in consoles(document):
                seen += 1
                succeed(shell("nslab up labs/webdb.yaml"))
                for command, printed in block:
                    with self.subTest(document=document.name, command=command):
                        result = succeed(shell(command))
                        here = shape(printed.replace("/root/nslab", str(ROOT)))
                        self.assertEqual(shape(result.out + result.err), here, str(result))
                succeed(nslab("down", "webdb"))
        self.assertGreater(seen, 0)

    def test_heads_of_labs_are_true(self):
        for lab in sorted(LABS.glob("*.yaml")):
            before = residue.snapshot()
            commands = head(lab)
            self.assertGreater(len(commands), 2, lab)
            if not commands[0][0].startswith("nslab up"):
                commands.insert(0, (f"nslab up labs/{lab.name}", ""))
            for command, words in commands:
                if any(each in command for each in ENDLESS):
                    continue
                with self.subTest(lab=lab.name, command=command):
                    result = shell(command)
                    fails = any(each in words for each in FAILS)
                    self.assertEqual(result.code != 0, fails, f"{words}\n{result}")
                    for ttl in re.findall(r"ttl=\d+", words):
                        self.assertIn(ttl, result.out)
            succeed(nslab("down", lab.stem))
            self.assert_no_residue(before)


if __name__ == "__main__":
    main()
