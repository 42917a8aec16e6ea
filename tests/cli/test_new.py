"""nslab new: what it prints is a lab that comes up, and whose ends reach each other."""

import unittest

from nslab_test import NslabTest, lab_file, main, nslab, run, succeed

# (what to ask for, node, the far node whose name it pings)
REACH = [
    (["line", "--nodes", "4"], "n1", "n4"),
    (["ring", "--nodes", "5"], "n4", "n2"),
    (["mesh", "--nodes", "4"], "n1", "n4"),
    (["star", "--nodes", "3"], "h1", "h3"),
    (["tree", "--nodes", "8", "--fanout", "2"], "h1", "h4"),
    (["leaf-spine", "--leaves", "2", "--spines", "2", "--hosts", "1"], "h1", "h2"),
]


class New(NslabTest):
    def test_a_small_lab_of_each_shape_comes_up_and_its_ends_meet(self):
        for arguments, near, far in REACH:
            with self.subTest(shape=arguments[0]):
                text = succeed(nslab("new", *arguments)).out
                with self.lab(lab_file(text, arguments[0])) as lab:
                    self.assert_nothing_to_do(lab_file(text, arguments[0]))
                    for one, other in ((near, far), (far, near)):
                        lab.read(one, "ping", "-n", "-c", "3", "-i", "0.2", "-W", "5", other)

    def test_the_name_and_the_subnet_are_as_asked(self):
        result = succeed(nslab("new", "star", "--nodes", "2", "--name", "pair", "--subnet", "192.168.7.0/24"))
        self.assertEqual(result.err, "")
        self.expect(nslab("validate", "-", input=result.out), 0, err="'pair'")
        self.assertIn("  net: 192.168.7.0/24\n", result.out)

    def test_large_labs_are_valid(self):
        for arguments in (["line", "--nodes", "5000"], ["star", "--nodes", "10000"], ["tree", "--nodes", "10000"],
                          ["leaf-spine", "--nodes", "2000"], ["mesh", "--nodes", "65"]):
            self.expect(nslab("validate", "-", input=succeed(nslab("new", *arguments)).out), 0)

    def test_refuses_what_no_lab_can_be(self):
        for arguments, why in ((["circle"], "circle"), (["mesh", "--nodes", "66"], "65"), (["line", "--nodes", "0"], "1 to"),
                               (["star", "--nodes", "many"], "--nodes"), (["star", "--nodes", "-1"], "--nodes"),
                               (["line", "--fanout", "2"], "tree"), ([], "required")):
            with self.subTest(arguments=arguments):
                result = self.expect(nslab("new", *arguments), 2, err=why)
                self.assertEqual(result.out, "")

    def test_shapes_and_options_are_completed(self):
        script = succeed(nslab("completion", "bash")).out
        asked = ('\nCOMP_WORDS=(nslab new le); COMP_CWORD=2; _nslab; echo "${COMPREPLY[*]}"'
                 '\nCOMP_WORDS=(nslab new --fa); COMP_CWORD=2; _nslab; echo "${COMPREPLY[*]}"')
        self.assertEqual(succeed(run("bash", "-euc", script + asked)).out.split(), ["leaf-spine", "--fanout"])
        self.assertIn("--fanout", succeed(nslab("__complete", "new", "--fan")).out)  # as every shell asks


if __name__ == "__main__":
    main()
