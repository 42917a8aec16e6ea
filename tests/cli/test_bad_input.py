"""A bad lab file or command line: exit status 2, a position, and nothing touched."""

import unittest

from nslab_test import FILES, NslabTest, lab_file, main, nslab, residue

GOOD = """
name: good
subnets: {net: 10.60.0.0/24}
nodes:
  a: {interfaces: {eth0: net}, services: {sleeper: {command: [sleep, infinity]}}}
  b: {interfaces: {eth0: net}}
"""

# (what is wrong, the file, the line and words of the error)
BAD = [
    ("unknown key", GOOD.replace("nodes:", "nods:"), 4, ["nods", "nodes"]),
    ("unknown subnet", GOOD.replace("b: {interfaces: {eth0: net}}", "b: {interfaces: {eth0: nett}}"), 6,
     ["nett"]),
    ("not YAML", GOOD + "  c: {interfaces: [", None, []),
    ("a number without its unit", GOOD + "  c: {limits: {memory: 64}}\n", 7, ["64"]),
    ("name too long", GOOD.replace("b: {interfaces: {eth0: net}}", "b: {interfaces: {sixteen-letters-x: net}}"),
     6, ["sixteen-letters-x"]),
    ("a cycle", GOOD + "  c: {after: {d: started}}\n  d: {after: {c: started}}\n", None, ["c -> d -> c"]),
    ("octal", GOOD.replace("net: 10.60.0.0/24", "net: {cidr: 10.60.0.0/24, mtu: 01500}"), 3, ["01500"]),
    ("empty", "", None, []),
    ("one comma", ",", None, []),
]


class BadInput(NslabTest):
    def refused(self, file, line=None, words=(), **options):
        for command in ("validate", "plan", "up"):
            with self.subTest(command=command):
                result = self.expect(nslab(command, file, timeout=10, **options), 2, err=[": error: ", *words])
                self.assertEqual(result.out, "")
                if line:
                    self.assertIn(f":{line}:", result.err)

    def test_a_bad_file_is_refused_with_its_position_and_nothing_is_touched(self):
        for what, text, line, words in BAD:
            with self.subTest(what):
                before = residue.snapshot()
                file = lab_file(text, "bad")
                self.refused(file, line, words)
                file.unlink()
                self.assert_no_residue(before)

    def test_a_running_lab_is_not_touched_by_a_bad_file(self):
        with self.lab(GOOD) as lab:
            before = {node: lab.identity(node) for node in "ab"}
            self.refused(lab_file(GOOD.replace("b: {", "b: {nonsense: 1, "), "bad"), 6, ["nonsense"])
            self.assertEqual({node: lab.identity(node) for node in "ab"}, before)

    def test_every_error_of_a_file_is_in_one_pass(self):
        text = GOOD.replace("nodes:", "nods: {}\nnodes:").replace("eth0: net}}\n", "eth0: nott}}\n")
        result = self.expect(nslab("validate", lab_file(text, "bad")), 2)
        self.assertGreaterEqual(result.err.count(": error: "), 2, result)

    def test_hostile_files_are_refused_at_once(self):
        for what, data in (("10 MiB of [", b"[" * (10 << 20)), ("an alias bomb", alias_bomb()),
                           ("NUL", b"name: a\0b\n"), ("wrong UTF-8", b"name: \xff\xfe\n"),
                           ("one comma", b","), ("a million lines", b"- a\n" * 1000000)):
            with self.subTest(what):
                path = FILES / "hostile.yaml"
                path.write_bytes(data)
                result = nslab("validate", path, timeout=5)
                path.unlink()
                self.expect(result, 2, err="hostile.yaml")
                self.assertLess(len(result.err), 4000)

    def test_a_file_that_is_not_there_or_not_a_file(self):
        for path in ("/no/such/file.yaml", "/etc"):
            for command in ("validate", "plan", "up"):
                result = nslab(command, path)
                self.assertIn(result.code, (1, 2), result)
                self.assertIn(path, result.err)

    def test_standard_input_has_positions_too(self):
        for command in ("validate", "plan", "up"):
            result = self.expect(nslab(command, "-", input="name: x\nnods: {}\n"), 2, err=["nods"])
            self.assertIn(":2:", result.err)

    def test_what_a_command_line_lacks_has_the_name_that_help_gives_it(self):
        for words, lacking in ((["up"], "FILE"), (["exec"], "[LAB/]NODE"), (["exec", "a"], "COMMAND")):
            self.expect(nslab(*words), 2, err=[f"{lacking} is required", f"'nslab {words[0]} --help'"])

    def test_a_command_that_is_none(self):
        self.expect(nslab("upp", "a"), 2, err=["there is no command 'upp'", "did you mean 'up'?"])
        self.expect(nslab("-v", "wholly-different"), 2, err=["there is no command 'wholly-different'", "'nslab --help'"])
        self.expect(nslab(), 2, err="a command is missing")
        self.assertNotIn("no command", self.expect(nslab("--nonsense", "up", "a"), 2).err)

    def test_bad_command_lines(self):
        for arguments in ([], ["nonsense"], ["up"], ["up", "a", "b"], ["up", "--nonsense", "a"], ["exec"],
                          ["completion", "tcsh"], ["validate"]):
            with self.subTest(arguments=arguments):
                result = self.expect(nslab(*arguments), 2)
                self.assertEqual(result.out, "")
                self.assertIn("error", result.err)


def alias_bomb():
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    return "\n".join(lines).encode()


if __name__ == "__main__":
    main()
