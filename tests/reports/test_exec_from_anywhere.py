"""bdd/runitor #34, ainode #255, moby #12024: a command in a container from cron, over ssh, without a
terminal, with closed descriptors, with an empty environment."""

import os

from nslab_test import NSLAB, NslabTest, bring_up, lab_file, main, nslab, residue, run, succeed
from sandbox import PARENT

LAB = """
name: anywhere
nodes: {a: {services: {s: {command: [sleep, "1000"]}}}}
"""


class ExecFromAnywhere(NslabTest):
    def test_up_without_environment_session_and_descriptors(self):
        before = residue.snapshot()
        file = lab_file(LAB, "anywhere")
        parent = f"{PARENT}={os.environ[PARENT]}"  # or it is no sandbox
        bare = ("env", "-i", "PATH=/usr/bin:/bin", parent, NSLAB)
        succeed(run("sh", "-c", 'exec <&- >&- 2>&-; cd /; exec setsid "$@"', "sh", *bare, "-q", "up", file))
        home = succeed(run(*bare, "exec", "anywhere/a", "--", "sh", "-c", "echo $HOME"))
        self.assertEqual(home.text, "/root")
        succeed(run(*bare, "down", "anywhere"))
        self.assert_no_residue(before)


class Exec(NslabTest):
    @classmethod
    def setUpClass(cls):
        cls.running = bring_up(lab_file(LAB, "anywhere"))

    @classmethod
    def tearDownClass(cls):
        succeed(nslab("down", "anywhere"))

    def test_a_terminal_is_asked_for_where_there_is_none(self):
        self.expect(nslab("exec", "-it", "anywhere/a", "--", "true"), 0)

    def test_the_exit_status_is_the_commands(self):
        self.expect(self.running.exec("a", "sh", "-c", "exit 7"), 7)

    def test_it_does_not_eat_the_input_of_a_loop(self):
        loop = f'printf "a\\nb\\n" | while read -r x; do {NSLAB} exec anywhere/a -- true; echo $x; done'
        self.assertEqual(succeed(run("sh", "-c", loop)).text.split(), ["a", "b"])

    def test_a_full_disk_is_noticed(self):
        for command in (f"{NSLAB} exec anywhere/a -- echo x", f"{NSLAB} ls"):
            self.assertNotEqual(run("sh", "-c", f"{command} >/dev/full").code, 0, command)


if __name__ == "__main__":
    main()
