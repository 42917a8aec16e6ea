"""srl-labs/containerlab #2490: every lab of a shared host is destroyed by one mistyped command."""

import os

from nslab_test import NSLAB, NslabTest, lab_file, main, nslab, succeed
from terminal import Terminal


class All(NslabTest):
    def setUp(self):
        self.addCleanup(nslab, "down", "--all", "--yes")
        for name in ("one", "two"):
            succeed(nslab("up", lab_file(f"name: {name}\nnodes: {{a: {{}}}}\n", name)))

    def labs(self):
        return [lab["lab"] for lab in succeed(nslab("ls", "--json")).json]

    def test_no_variable_stands_for_it(self):
        """NSLAB_ALL=1 was also what printed every row of `status`."""
        for variable in ("NSLAB_ALL", "NSLAB_YES", "NSLAB_TAKE_OVER"):
            with self.subTest(variable):
                succeed(nslab("status", "two", env={variable: "1"}))
                succeed(nslab("down", "one", env={variable: "1"}))
                self.assertEqual(self.labs(), ["two"])
                succeed(nslab("up", lab_file("name: one\nnodes: {a: {}}\n", "one")))
        self.expect(nslab("down", env={"NSLAB_ALL": "1"}), 2, err="several labs")
        self.assertEqual(self.labs(), ["one", "two"])

    def test_a_name_beside_it_is_a_mistake(self):
        for words in (("one", "--all"), ("--all", "one"), ("--all", "nosuch"), ("--all", "--yes", "one")):
            self.expect(nslab("down", *words), 2, err="--all")
            self.assertEqual(self.labs(), ["one", "two"])

    def ask(self, answer, *words):
        terminal = Terminal(NSLAB, "down", "--all", *words)
        self.addCleanup(terminal.close)
        if answer is not None:
            seen = terminal.read_until("[y/N]")
            self.assertIn("one", seen)
            self.assertIn("two.yaml", seen)
            terminal.type(answer)
        return terminal.end()

    def test_on_a_terminal_it_asks(self):
        for answer in ("n\n", "\n", "\x04", "yo\n", "\x03"):
            self.assertEqual(self.ask(answer), 1, repr(answer))
            self.assertEqual(self.labs(), ["one", "two"])
        self.assertEqual(self.ask("y\n"), 0)
        self.assertEqual(self.labs(), [])

    def test_the_answer_can_be_given_before(self):
        self.assertEqual(self.ask(None, "--yes"), 0)
        self.assertEqual(self.labs(), [])

    def test_a_script_means_what_it_says(self):
        succeed(nslab("down", "--all"))
        self.assertEqual(self.labs(), [])


if __name__ == "__main__":
    main()
