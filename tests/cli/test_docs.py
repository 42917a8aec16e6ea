#!/usr/bin/python3
"""The documents keep up with the program: examples are valid, every command and flag is in
the manual, every generated file is as the program would write it now."""

import re
import unittest

from nslab_test import ROOT, NslabTest, lab_file, main, nslab, run, succeed


def commands():
    text = succeed(nslab("--help")).out
    return re.findall(r"^  ([a-z]+) +\S", text[text.index("Subcommands:"):], re.MULTILINE)


class Documents(NslabTest):
    def test_every_yaml_block_is_valid(self):
        blocks = 0
        for document in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
            for block in re.findall(r"^```yaml\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL):
                blocks += 1
                with self.subTest(document=document.name, block=block.splitlines()[0]):
                    self.expect(nslab("validate", lab_file(block, "example")), 0)
        self.assertGreater(blocks, 0)

    def test_the_manual_has_every_command_and_flag(self):
        manual = (ROOT / "docs/nslab.1").read_text().replace("\\-", "-")
        names = commands()
        self.assertIn("up", names)
        for name in names:
            self.assertRegex(manual, rf"\.B {name}\b", f"command {name}")
            flags = set(re.findall(r"--[a-z-]+", succeed(nslab(name, "--help")).out))
            for flag in flags - {"--help", "--interactive", "--tty"}:
                self.assertIn(flag, manual, f"{name} {flag}")

    def test_the_manual_is_a_manual(self):
        if run("sh", "-c", "command -v groff").code == 0:
            result = succeed(run("groff", "-man", "-Tutf8", "-ww", ROOT / "docs/nslab.1"))
            self.assertEqual(result.err, "")

    def test_generated_files_are_as_generated(self):
        for arguments, file in ((["schema"], "schemas/nslab.schema.json"),
                                (["schema", "--reference"], "docs/reference/lab-file.md")):
            self.assertEqual(succeed(nslab(*arguments)).out, (ROOT / file).read_text(), file)

    def test_every_lab_has_its_place_in_the_readme(self):
        readme = (ROOT / "README.md").read_text()
        for lab in (ROOT / "labs").glob("*.yaml"):
            self.assertIn(f"labs/{lab.name}", readme)
            self.assertTrue(lab.read_text().startswith("#"), f"{lab.name} opens with what to try")


if __name__ == "__main__":
    main()
