"""Who is not root gets one message that says so, and may read what is theirs to read."""

import unittest

from nslab_test import LABS, NSLAB, NslabTest, main, residue, run

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


class NotRoot(NslabTest):
    def nobody(self, *arguments, input=None):
        """As nobody, who may be kept from the directories that hold the program and the labs."""
        with open(NSLAB, "rb") as program:
            return run(*NOBODY, f"/proc/self/fd/{program.fileno()}", *arguments,
                       input=input, pass_fds=[program.fileno()])

    def test_what_changes_a_lab_says_that_it_needs_root(self):
        text = (LABS / "router.yaml").read_text()
        with self.lab(LABS / "router.yaml") as lab:
            before = lab.identity("r1")
            for arguments in (["up", "-"], ["down", "router"], ["down", "--all"], ["exec", "router/r1", "true"]):
                with self.subTest(arguments=arguments):
                    result = self.nobody(*arguments, input=text)
                    self.expect(result, 1, err="hint: run it as root")
                    self.assertEqual(result.err.count("error:"), 1, result)
            self.assertEqual(lab.identity("r1"), before)

    def test_up_on_an_empty_host_says_so_too(self):
        before = residue.snapshot()
        result = self.nobody("up", "-", input=(LABS / "webdb.yaml").read_text())
        self.assertEqual(result.code, 1, result)
        self.assertEqual(result.err.count("error:"), 1, result)
        self.assertIn("root", result.err)
        self.assert_no_residue(before)

    def test_what_needs_no_root_works(self):
        text = (LABS / "webdb.yaml").read_text()
        self.expect(self.nobody("validate", "-", input=text), 0)
        self.expect(self.nobody("validate", "-", input="nods: {}\n"), 2)
        for arguments in (["schema"], ["version"], ["--help"], ["completion", "bash"], ["ls"]):
            self.expect(self.nobody(*arguments), 0)


if __name__ == "__main__":
    main()
