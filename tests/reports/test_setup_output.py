"""A node's start command fails, and its words are nowhere.

Source: srl-labs/containerlab PR 1142 and PR 1495.
"""

from nslab_test import NslabTest, lab_file, main, nslab, residue


class SetupOutput(NslabTest):
    def fails(self, setup):
        before = residue.snapshot()
        result = nslab("up", lab_file(f"name: words\nnodes:\n  a:\n    setup:\n{setup}", "words"))
        self.expect(result, 1)
        self.assert_no_residue(before)
        return result.err

    def test_the_program_is_quoted(self):
        self.assertRegex(self.fails("      - [ip, route, add, default, via, 192.0.2.1]\n"),
                         r"(?mi)^  > .*(unreachable|nexthop)")

    def test_of_what_it_printed_the_end(self):
        """And only of this command; without the carriage returns of some programs."""
        said = self.fails("      - echo of another $((1 + 1))\n"
                          "      - |\n        seq 5000\n        printf 'last\\r\\n' >&2\n        exit 3\n")
        self.assertNotIn("of another 2", said)
        self.assertIn("  > 5000\n  > last\n", said)
        self.assertNotIn("  > 1\n", said)
        self.assertIn("'seq 5000 …' in node 'a' exited with 3", said)

    def test_it_is_told_once(self):
        """Where the lab cannot be put back for the same reason, too."""
        text = "name: words\nnodes: {{a: {{environment: {{V: {0}}}, mounts: {{/m: {{bind: /run/lab-files}}}},\n" \
               "  setup: ['echo $((6 * 7)); mkdir /m/made']}}}}\n"
        with self.lab(lab_file(text.format(1), "words")):
            result = self.expect(nslab("up", lab_file(text.format(2), "words")), 1)
            self.assertEqual(result.err.count("  > 42\n"), 1, result.err)
            self.assertIn("the same way", result.err)


if __name__ == "__main__":
    main()
